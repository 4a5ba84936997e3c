"""What the janitor reads from the environment: jobs database, bucket, the helpdesk's histories; no broker."""

from typing import Annotated

from pydantic import Field

from ticket_export.settings import (
    JobsDatabaseSettings,
    LeaseSettings,
    S3Settings,
    Settings,
    SourceDatabaseSettings,
    TopicSettings,
)


class JanitorSettings(Settings, JobsDatabaseSettings, SourceDatabaseSettings, TopicSettings, S3Settings, LeaseSettings):
    """Settings of the service ``janitor``."""

    # From start to start, jitter and the run included, so that a file outlives its expiry by at most this.
    interval_seconds: Annotated[float, Field(gt=0)] = 3600.0
    # Longer than a lease, a link's life and the longest S3 call together: whoever could still write has given up.
    orphan_grace_seconds: Annotated[float, Field(ge=0)] = 3600.0
    job_retention_days: Annotated[float, Field(ge=0)] = 30.0
    # The workers' setting of this name: whoever meets an older job first fails it.
    max_job_age_seconds: Annotated[float, Field(gt=0)] = 86_400.0
    # How long a request may be on its way from its snapshot to its job row; far beyond every time-out in between.
    marker_age_seconds: Annotated[float, Field(ge=600)] = 3600.0
    batch_rows: Annotated[int, Field(ge=1, le=10_000)] = 500
    history_batch_rows: Annotated[int, Field(ge=1, le=100_000)] = 5_000
    health_host: str = "127.0.0.1"
    health_port: Annotated[int, Field(ge=0, le=65_535)] = 8082
