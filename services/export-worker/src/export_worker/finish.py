"""Uploading: put the parts together, check everything once more, and publish in one transaction."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from uuid6 import uuid7

from export_worker import queries
from export_worker.documents import ClaimedTask, CopyResult, LiveReading, Plan, UploadedPart
from export_worker.errors import LeaseLostError, ReplanError, RowCountError
from export_worker.leases import Lease, lock_held
from export_worker.plan import check_source
from export_worker.work import Work
from ticket_export.database.connection import ACQUIRE_TIMEOUT_SECONDS
from ticket_export.database.transitions import FinishedFile, LockedJob, complete_job
from ticket_export.failpoints import failpoint
from ticket_export.storage.errors import StorageRefusedError, StorageUnavailableError
from ticket_export.storage.object_store import StoredPart, multipart_etag


@dataclass(frozen=True, slots=True)
class _Result:
    parts: tuple[UploadedPart, ...]
    rows: int
    object_key: str | None
    reading: LiveReading | None

    @property
    def size_bytes(self) -> int:
        return sum(part.size for part in self.parts)

    @property
    def digest(self) -> str:
        """SHA-256 over the parts' SHA-256s, so that neither a resume nor a takeover has to read bytes again."""
        joined = b"".join(bytes.fromhex(part.sha256) for part in self.parts)
        return f"sha256-parts:{hashlib.sha256(joined).hexdigest()}"


async def run(work: Work, lease: Lease) -> None:
    """Carry out a finish task."""
    job, plan, result = await _gather(work, lease.task)
    await work.progress.advance(job.id, job.plan_token)
    counted = result.reading.rows if result.reading else plan.rows_total
    if result.rows != counted:
        raise RowCountError(f"{result.rows} rows were copied, {counted} were counted")
    await failpoint("finish.before_complete")
    key = result.object_key or await _complete(work, lease, result)
    await failpoint("finish.completed")
    await check_source(work, job)
    await failpoint("finish.before_publish")
    await _publish(work, lease.task, plan, result, key)
    await failpoint("finish.published")


async def _gather(work: Work, task: ClaimedTask) -> tuple[LockedJob, Plan, _Result]:
    async with work.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection, connection.transaction():
        job = await lock_held(connection, task)
        if job.plan is None or job.plan_token != task.plan_token:
            raise LeaseLostError("the job was planned again")
        await connection.execute(queries.ENTER_UPLOADING, job.id, job.plan_token)
        rows = await connection.fetch(queries.COPY_RESULTS, job.id, job.plan_token)
    results = [CopyResult.model_validate_json(row["checkpoint"]) for row in rows]
    parts = tuple(part for result in results for part in result.parts)
    first = results[0] if results else CopyResult(parts=())
    result = _Result(parts, sum(row["rows_done"] for row in rows), first.object_key, first.reading)
    return job, Plan.model_validate_json(job.plan), result


async def _complete(work: Work, lease: Lease, result: _Result) -> str:
    """Complete the multipart upload; an answer that leaves it open is settled by looking at the object."""
    async with work.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
        row = await connection.fetchrow(
            queries.FIND_UPLOAD, lease.task.job_id, lease.task.plan_token, work.settings.s3_bucket
        )
    if row is None:
        raise ReplanError("the plan's upload is gone")
    key: str = row["object_key"]
    parts = [StoredPart(part.number, part.md5) for part in result.parts]
    try:
        await work.store.complete_upload(key, row["upload_id"], parts, lease)
    except (StorageUnavailableError, StorageRefusedError) as error:
        found = await work.store.head(key, lease)
        if found is not None and (found.size_bytes, found.etag) == (result.size_bytes, multipart_etag(parts)):
            return key
        if isinstance(error, StorageRefusedError) and error.code == "NoSuchUpload":
            raise ReplanError("the upload is gone and its object is not there") from error
        raise
    return key


async def _publish(work: Work, task: ClaimedTask, plan: Plan, result: _Result, key: str) -> None:
    reading = result.reading
    oversized_cells = reading.oversized_cells if reading else plan.oversized_cells
    read_at = reading.at if reading else None
    file = FinishedFile(result.rows, result.size_bytes, result.digest, plan.profile, oversized_cells, read_at)
    life = timedelta(hours=work.settings.file_life_hours)
    async with work.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection, connection.transaction():
        job = await lock_held(connection, task)
        await failpoint("finish.locked")
        if job.plan_token != task.plan_token:
            raise LeaseLostError("the job was planned again")
        await connection.execute(
            queries.INSERT_FILE,
            uuid7(),
            job.id,
            work.settings.s3_bucket,
            key,
            plan.file_name,
            plan.content_type,
            file.size_bytes,
            file.digest,
            [part.size for part in result.parts],
        )
        await connection.fetchval(queries.FINISH_TASK, task.id, task.lease_token, None, 0, 0)
        if not await complete_job(connection, job, file, life, work.topics):
            raise LeaseLostError("the job has ended")
