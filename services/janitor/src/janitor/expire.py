"""First step: a job whose time has come expires, then its object goes, then its file row says so.

Each is a commit or a call of its own, and the second half starts from what the database says, so that a run which was
killed in between is finished by the next.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from janitor import queries
from janitor.buckets import call_deadline
from janitor.resources import Resources
from janitor.tally import Tally
from ticket_export.database.connection import ACQUIRE_TIMEOUT_SECONDS
from ticket_export.database.transitions import expire_job, lock_job
from ticket_export.failpoints import failpoint

_NIL = UUID(int=0)
_FIRST = (datetime.min.replace(tzinfo=UTC), _NIL)


@dataclass(frozen=True, slots=True)
class ExpiredFile:
    """A file that may still be in its bucket."""

    id: UUID
    bucket: str
    object_key: str


async def expire_jobs(resources: Resources) -> Tally:
    """Expire every completed job that is past its time, each with its event and audit row."""
    tally = Tally("expire_jobs")
    after = _FIRST
    while True:
        due = await _due_jobs(resources, after)
        for job_id, expires_at in due:
            await resources.leadership.keep()
            after = (expires_at, job_id)
            with tally.item(job_id=str(job_id)):
                tally.done += await _expire(resources, job_id)
                await failpoint("janitor.expired")
        if len(due) < resources.batch_rows:
            return tally


async def delete_files(resources: Resources) -> Tally:
    """Delete the objects of expired jobs and mark their file rows."""
    tally = Tally("delete_files")
    after = _NIL
    while True:
        files = await _expired_files(resources, after)
        for file in files:
            await resources.leadership.keep()
            after = file.id
            with tally.item(file_id=str(file.id), bucket=file.bucket):
                await _delete_object(resources, file)
                await failpoint("janitor.object_deleted")
                tally.done += await _mark_deleted(resources, file)
            if tally.impatient:
                return tally
        if len(files) < resources.batch_rows:
            return tally


async def _due_jobs(resources: Resources, after: tuple[datetime, UUID]) -> list[tuple[UUID, datetime]]:
    async with resources.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
        rows = await connection.fetch(queries.DUE_JOBS, *after, resources.batch_rows)
    return [(row["id"], row["expires_at"]) for row in rows]


async def _expire(resources: Resources, job_id: UUID) -> bool:
    async with resources.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection, connection.transaction():
        job = await lock_job(connection, job_id)
        return job is not None and await expire_job(connection, job, resources.topics)


async def _expired_files(resources: Resources, after: UUID) -> list[ExpiredFile]:
    async with resources.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
        rows = await connection.fetch(queries.EXPIRED_FILES, after, resources.batch_rows)
    return [ExpiredFile(**row) for row in rows]


async def _delete_object(resources: Resources, file: ExpiredFile) -> None:
    store = await resources.buckets.store(file.bucket)
    await store.delete(file.object_key, call_deadline())


async def _mark_deleted(resources: Resources, file: ExpiredFile) -> bool:
    async with resources.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
        answer: str = await connection.execute(queries.MARK_FILE_DELETED, file.id)
    return answer == "UPDATE 1"
