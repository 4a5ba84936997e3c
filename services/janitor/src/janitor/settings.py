"""What the janitor reads from the environment: no broker and no helpdesk, only the jobs database and the bucket."""

from typing import Annotated

from pydantic import Field

from ticket_export.settings import JobsDatabaseSettings, LeaseSettings, S3Settings, Settings, TopicSettings


class JanitorSettings(Settings, JobsDatabaseSettings, TopicSettings, S3Settings, LeaseSettings):
    """Settings of the service ``janitor``."""

    # From start to start, jitter and the run included, so that a file outlives its expiry by at most this.
    interval_seconds: Annotated[float, Field(gt=0)] = 3600.0
    # Longer than a lease, a link's life and the longest S3 call together: whoever could still write has given up.
    orphan_grace_seconds: Annotated[float, Field(ge=0)] = 3600.0
    job_retention_days: Annotated[float, Field(ge=0)] = 30.0
    batch_rows: Annotated[int, Field(ge=1, le=10_000)] = 500
    health_host: str = "127.0.0.1"
    health_port: Annotated[int, Field(ge=0, le=65_535)] = 8082
