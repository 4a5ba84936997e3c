"""What every step of a task is handed: the worker's connections and settings, and the lease under which it works."""

from dataclasses import dataclass

from export_worker.claim import Claims
from export_worker.progress import ProgressReports
from export_worker.settings import WorkerSettings
from export_worker.source import Source
from ticket_export.database.connection import Pool
from ticket_export.storage.object_store import ObjectStore
from ticket_export.topics import Topics


@dataclass(frozen=True, slots=True)
class Work:
    """The resources of one worker."""

    settings: WorkerSettings
    pool: Pool
    source: Source
    store: ObjectStore
    claims: Claims
    progress: ProgressReports
    topics: Topics
