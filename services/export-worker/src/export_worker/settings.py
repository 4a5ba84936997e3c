"""What a worker reads from its environment."""

from typing import Annotated

from pydantic import Field

from ticket_export.settings import (
    JobsDatabaseSettings,
    KafkaSettings,
    LeaseSettings,
    S3Settings,
    Settings,
    SourceDatabaseSettings,
)

MEBIBYTE = 1024 * 1024

PositiveSeconds = Annotated[float, Field(gt=0)]


class WorkerSettings(Settings, JobsDatabaseSettings, SourceDatabaseSettings, KafkaSettings, S3Settings, LeaseSettings):
    """One worker process; the limits of the fleet must be the same on every worker."""

    worker_name: str = ""
    worker_slots: Annotated[int, Field(ge=1, le=32)] = 2
    sweep_seconds: PositiveSeconds = 1.0
    max_attempts: Annotated[int, Field(ge=1)] = 5
    backoff_first_seconds: PositiveSeconds = 1.0
    backoff_longest_seconds: PositiveSeconds = 60.0
    max_job_age_seconds: PositiveSeconds = 86_400.0
    max_running_jobs_per_person: Annotated[int, Field(ge=1)] = 5
    max_tasks_per_job: Annotated[int, Field(ge=1, le=64)] = 8
    max_source_connections: Annotated[int, Field(ge=1)] = 16
    part_bytes: Annotated[int, Field(ge=5 * MEBIBYTE)] = 8 * MEBIBYTE
    page_rows: Annotated[int, Field(ge=100)] = 200_000
    copy_stall_seconds: PositiveSeconds = 30.0
    drain_seconds: PositiveSeconds = 30.0
    file_life_hours: PositiveSeconds = 72.0
    health_host: str = "127.0.0.1"
    health_port: Annotated[int, Field(ge=0, le=65535)] = 8081
