"""Exporting: one copy task, from PostgreSQL's COPY straight into S3.

Never more than two parts are on their way; the stream waits for them, and a stream that waits too long gives its
statement up, because a COPY that stands still pins the vacuum horizon of the whole helpdesk.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from export_worker import queries
from export_worker.claim import Claimed, lease_next
from export_worker.documents import Checkpoint, ClaimedTask, CopyResult, Plan, PlanHints, PlannedTask, UploadedPart
from export_worker.errors import LeaseLostError, ReplanError, UnreachableError
from export_worker.leases import Lease, lock_held
from export_worker.pagination import LEAST_PART_BYTES
from export_worker.parts import Cut, Cutter
from export_worker.plan import check_source, object_key, record_upload
from export_worker.progress import TaskProgress
from export_worker.rows import Rows, rows_of
from export_worker.source import session_fingerprint
from export_worker.work import Work
from ticket_export.database.connection import ACQUIRE_TIMEOUT_SECONDS
from ticket_export.database.transitions import LockedJob
from ticket_export.failpoints import failpoint
from ticket_export.storage.object_store import Body
from ticket_export.views.compile import COMPILER_VERSION

PARTS_IN_FLIGHT = 2


async def run(work: Work, lease: Lease) -> Claimed | None:
    """Carry out a copy task; return the finish task when it was the last one."""
    task = lease.task
    job, plan = await _usable_plan(work, task)
    rows_to_read = await rows_of(work, task, job, plan)
    planned = plan.tasks[task.number]
    start = Checkpoint.model_validate_json(task.checkpoint or "{}")
    progress = TaskProgress(work.progress, task, task.rows_done, task.bytes_done)
    try:
        if plan.mode == "single":
            result, rows = await _copy_whole(work, lease, plan, planned, rows_to_read, progress)
        else:
            result, rows = await _copy_parts(work, lease, plan, planned, rows_to_read, progress, start)
    finally:
        await progress.settle()
    return await _finish(work, task, result, rows)


async def _usable_plan(work: Work, task: ClaimedTask) -> tuple[LockedJob, Plan]:
    """Return the job and its plan; two versions of the compiler or of the source never share a file."""
    async with work.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection, connection.transaction():
        job = await lock_held(connection, task)
    if job.plan is None or job.plan_token != task.plan_token:
        raise LeaseLostError("the job was planned again")
    plan = Plan.model_validate_json(job.plan)
    await check_source(work, job)
    fingerprint = session_fingerprint(await work.source.fingerprint(plan.time_zone))
    if (plan.compiler_version, plan.fingerprint) != (COMPILER_VERSION, fingerprint):
        raise ReplanError("the plan was made by another version or on another source")
    return job, plan


async def _copy_whole(
    work: Work, lease: Lease, plan: Plan, planned: PlannedTask, rows_to_read: Rows, progress: TaskProgress
) -> tuple[CopyResult, int]:
    """Buffer a small export and store it with one PUT."""
    task = lease.task
    if task.plan_token is None:
        raise LeaseLostError("a copy task belongs to a plan")
    body = Body()

    async def take(chunk: bytes) -> None:
        if body.size + len(chunk) > 2 * plan.part_bytes:
            raise ReplanError("larger than estimated", PlanHints(force_multipart=True))
        body.append(memoryview(chunk))
        progress.saw(chunk)

    body.append(memoryview(plan.header.encode()))
    rows = 0
    for page in planned.pages:
        rows += await rows_to_read.copy(page, take)
    key = object_key(work.settings.s3_prefix, task.job_id, task.plan_token, task.lease_token, plan.file_name)
    await record_upload(work, lease, key, task.plan_token)
    await work.store.put(key, body, plan.content_type, lease)
    await failpoint("copy.put")
    part = UploadedPart(number=1, size=body.size, md5=body.md5.hex(), sha256=body.sha256.hex())
    return CopyResult(parts=(part,), object_key=key, reading=rows_to_read.reading), rows


async def _copy_parts(
    work: Work,
    lease: Lease,
    plan: Plan,
    planned: PlannedTask,
    rows_to_read: Rows,
    progress: TaskProgress,
    start: Checkpoint,
) -> tuple[CopyResult, int]:
    """Stream the task's pages into parts, beginning after the checkpoint."""
    task = lease.task
    key, upload_id = await _find_upload(work, task)
    cutter = Cutter(plan.part_bytes, page=start.page, offset=start.offset, rows=start.rows)
    try:
        async with asyncio.TaskGroup() as group:
            uploads = PartUploads(work, lease, group, plan, planned, key, upload_id, list(start.parts), progress)
            for number in range(start.page, len(planned.pages)):
                skip = Skip(start, cutter) if number == start.page and start.offset else None
                stream = PageStream(cutter, uploads, progress, skip)
                if task.number == 0 and number == 0:
                    await stream.take(plan.header.encode())
                stream.end(await rows_to_read.copy(planned.pages[number], stream.take))
            last = cutter.finish()
            if last is not None:
                await uploads.send(last)
    except BaseExceptionGroup as group_error:
        # One error is what happened; the others are its echo in the neighbouring uploads.
        raise group_error.exceptions[0] from group_error
    if task.number + 1 < len(plan.tasks) and uploads.stored and uploads.stored[-1].size < LEAST_PART_BYTES:
        # The count of tasks trusts the average; many tickets of one instant make a task much smaller than another.
        raise ReplanError("a task in the middle is smaller than S3's least part", PlanHints(one_task=True))
    return CopyResult(parts=tuple(uploads.stored), reading=rows_to_read.reading), cutter.rows


async def _find_upload(work: Work, task: ClaimedTask) -> tuple[str, str]:
    async with work.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
        row = await connection.fetchrow(queries.FIND_UPLOAD, task.job_id, task.plan_token, work.settings.s3_bucket)
    if row is None:
        raise ReplanError("the plan's upload is gone")
    return row["object_key"], row["upload_id"]


@dataclass(slots=True)
class Skip:
    """Drops the bytes of a page that earlier parts hold, and verifies that they are the same again."""

    start: Checkpoint
    cutter: Cutter
    seen: int = 0
    _hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    @property
    def missing(self) -> int:
        """Bytes still to be dropped."""
        return self.start.offset - self.seen

    def rest_of(self, chunk: bytes) -> bytes:
        """Return what of the chunk lies behind the checkpoint; raise ReplanError when what lies before it differs."""
        if not self.missing:
            return chunk
        dropped, rest = chunk[: self.missing], chunk[self.missing :]
        self._hash.update(dropped)
        self.seen += len(dropped)
        if not self.missing:
            if self._hash.hexdigest() != self.start.page_sha256:
                raise ReplanError("a page is not what it was before the interruption")
            self.cutter.resume_page(self._hash)
        return rest

    def end(self) -> None:
        """Raise ReplanError when the page ended before the checkpoint was reached."""
        if self.missing:
            raise ReplanError("a page is shorter than it was before the interruption")


@dataclass(slots=True)
class PageStream:
    """Takes one page's bytes from COPY and hands whole parts on."""

    cutter: Cutter
    uploads: "PartUploads"
    progress: TaskProgress
    skip: Skip | None

    async def take(self, chunk: bytes) -> None:
        """COPY's sink: returns when there is room for more."""
        if self.skip is not None:
            chunk = self.skip.rest_of(chunk)
        self.progress.saw(chunk)
        await failpoint(f"copy.mid_page.{self.cutter.page}")
        for cut in self.cutter.feed(chunk):
            await self.uploads.send(cut)

    def end(self, rows: int) -> None:
        """COPY has confirmed the page."""
        if self.skip is not None:
            self.skip.end()
        self.cutter.end_page(rows)


@dataclass(slots=True)
class PartUploads:
    """Uploads parts side by side and saves a checkpoint for each that is stored, in order."""

    work: Work
    lease: Lease
    group: asyncio.TaskGroup
    plan: Plan
    planned: PlannedTask
    key: str
    upload_id: str
    stored: list[UploadedPart]
    progress: TaskProgress
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PARTS_IN_FLIGHT))
    _previous: "asyncio.Task[None] | None" = None
    _sent: int = -1

    async def send(self, cut: Cut) -> None:
        """Begin to upload the next part; wait while too many are on their way."""
        if self._sent < 0:
            self._sent = len(self.stored)
        if self._sent >= self.plan.parts_per_task:
            lesson = PlanHints(part_bytes=4 * self.plan.part_bytes)
            raise ReplanError("more parts than the task's block has numbers", lesson)
        await _within(self._room.acquire, self.work.settings.copy_stall_seconds)
        number = self.planned.first_part + self._sent
        self._sent += 1
        self._previous = self.group.create_task(self._upload(number, cut, self._previous))

    async def _upload(self, number: int, cut: Cut, previous: "asyncio.Task[None] | None") -> None:
        body = cut.body
        await self.work.store.upload_part(self.key, self.upload_id, number, body, self.lease)
        await failpoint(f"copy.part_stored.{number}")
        part = UploadedPart(number=number, size=body.size, md5=body.md5.hex(), sha256=body.sha256.hex())
        if previous is not None:
            # A checkpoint speaks of an unbroken row of parts.
            await previous
        self.stored.append(part)
        # Not before the parts ahead are stored: a slow one would let any number of bodies pile up behind it.
        self._room.release()
        await self._save(cut)

    async def _save(self, cut: Cut) -> None:
        task = self.lease.task
        checkpoint = Checkpoint(
            parts=tuple(self.stored),
            page=cut.end.page,
            offset=cut.end.offset,
            page_sha256=cut.end.page_sha256,
            rows=cut.end.rows,
        )
        async with self.work.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
            saved = await connection.fetchval(
                queries.SAVE_CHECKPOINT,
                task.id,
                task.lease_token,
                checkpoint.model_dump_json(),
                cut.end.rows,
                sum(part.size for part in self.stored),
            )
        if not saved:
            raise LeaseLostError("the task was taken over")
        self.progress.report()
        await failpoint(f"copy.part_saved.{len(self.stored)}")


async def _within(acquire: Callable[[], Awaitable[object]], seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await acquire()
    except TimeoutError as error:
        raise UnreachableError("S3 takes no bytes; the statement is given up and resumed later") from error


async def _finish(work: Work, task: ClaimedTask, result: CopyResult, rows: int) -> Claimed | None:
    size = sum(part.size for part in result.parts)
    await failpoint("copy.done")
    async with work.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection, connection.transaction():
        job = await lock_held(connection, task)
        await failpoint("copy.locked")
        done = await connection.fetchval(
            queries.FINISH_TASK, task.id, task.lease_token, result.model_dump_json(), rows, size
        )
        if not done or job.plan_token is None or job.plan_token != task.plan_token:
            raise LeaseLostError("the job was planned again")
        if result.reading is not None:
            await connection.execute(
                queries.STORE_READING, job.id, result.reading.at, result.reading.rows, result.reading.oversized_cells
            )
        left = await connection.fetchval(queries.COPY_TASKS_LEFT, task.job_id, task.plan_token)
        if left:
            return None
        # The job's row is locked: exactly one copy task sees that none is left.
        return await lease_next(connection, work.claims, task, kind="finish", number=0, plan_token=job.plan_token)
