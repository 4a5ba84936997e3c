"""Clears what a failed job left in S3, at once and best effort; the janitor does it for certain."""

from contextlib import suppress
from uuid import UUID

from export_worker import queries
from export_worker.work import Work
from ticket_export.database.connection import ACQUIRE_TIMEOUT_SECONDS
from ticket_export.leases import Deadline
from ticket_export.storage.errors import StorageError

CALL_SECONDS = 10.0


async def clear_uploads(work: Work, job_id: UUID) -> None:
    """Abort and delete by the ledger. Its rows stay: a call of ours may still be on its way, and the janitor waits."""
    async with work.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
        rows = await connection.fetch(queries.ABANDONED_UPLOADS, job_id, work.settings.s3_bucket)
    for row in rows:
        with suppress(StorageError):
            if row["upload_id"] is not None:
                await work.store.abort_upload(row["object_key"], row["upload_id"], Deadline.within(CALL_SECONDS))
            await work.store.delete(row["object_key"], Deadline.within(CALL_SECONDS))
