"""What the steps are handed: connections and the few settings that they share."""

from dataclasses import dataclass

from janitor.buckets import Buckets
from janitor.leadership import Leadership
from janitor.source import Source
from ticket_export.database.connection import Pool
from ticket_export.topics import Topics


@dataclass(frozen=True, slots=True)
class Resources:
    """Everything that one run of the steps works with."""

    pool: Pool
    buckets: Buckets
    source: Source
    leadership: Leadership
    topics: Topics
    batch_rows: int
    orphan_grace_seconds: float
    job_retention_days: float
    max_job_age_seconds: float
    marker_age_seconds: float
    history_batch_rows: int
