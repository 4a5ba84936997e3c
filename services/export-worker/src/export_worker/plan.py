"""Counting: from a captured view to a frozen plan of copy tasks.

What is created in S3 is in the ledger before it exists. Whoever loses the lease on the way leaves only ledger rows.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID, uuid4

from uuid6 import uuid7

from export_worker import pagination, queries
from export_worker.claim import Claimed, lease_next
from export_worker.documents import ClaimedTask, Plan, PlanHints, PlannedPage
from export_worker.errors import LeaseLostError, SchemaChangedError, SourceRestoredError, TooLargeError
from export_worker.leases import Lease, lock_held
from export_worker.source import SESSION, session_fingerprint
from export_worker.work import Work
from ticket_export.bus import outbox
from ticket_export.database.connection import ACQUIRE_TIMEOUT_SECONDS, Connection
from ticket_export.database.transitions import LockedJob
from ticket_export.events import TaskReady
from ticket_export.failpoints import failpoint
from ticket_export.snapshot import Snapshot
from ticket_export.views.compile import COMPILER_VERSION, CompiledView, compile_view
from ticket_export.views.payload import load_payload

CONTENT_TYPE = "text/csv; charset=utf-8"


async def run(work: Work, lease: Lease) -> Claimed | None:
    """Carry out a plan task; return the copy task that this worker leased to itself."""
    task = lease.task
    async with work.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection, connection.transaction():
        job = await lock_held(connection, task)
    view = bind_view(work, job)
    await check_source(work, job)
    plan = await _make(work, job, view, hints=PlanHints.model_validate_json(task.checkpoint or "{}"))
    plan_token = uuid4()
    if plan.mode == "multipart":
        await _open_upload(work, lease, plan, plan_token)
    await failpoint("plan.made")
    return await _store(work, task, plan, plan_token)


def bind_view(work: Work, job: LockedJob, at: datetime | None = None) -> CompiledView:
    """Return the job's view as of its request, or of live rows at an instant (before they are read: the request's)."""
    return compile_view(
        load_payload(job.payload),
        snapshot=Snapshot.parse(job.snapshot) if job.snapshot_mode == "exact" else None,
        requested_at=at or job.requested_at,
        source_schema=work.settings.source_schema,
        bookkeeping_schema=work.settings.source_bookkeeping_schema,
    )


async def check_source(work: Work, job: LockedJob) -> None:
    """Raise unless this is the source of the snapshot, with its rows and the tables that it was taken of."""
    if job.snapshot_mode == "statement":
        return
    if await work.source.identity() != job.source_identity:
        raise SourceRestoredError("the source is another server or timeline than at the request")
    if await work.source.signature(job.snapshot) != job.schema_signature:
        raise SchemaChangedError("the schema signature differs from that of the request")


async def _make(work: Work, job: LockedJob, view: CompiledView, *, hints: PlanHints) -> Plan:
    settings = work.settings
    measure = await work.source.measure(view.measure())
    pages = await _pages(work, view, measure.rows, measure.cuts)
    sizes = _sizes(work, view, measure.rows, len(pages), hints)
    statement = view.copy()
    return Plan(
        compiler_version=COMPILER_VERSION,
        fingerprint=session_fingerprint(await work.source.fingerprint(view.payload.time_zone)),
        mode=sizes.mode,
        part_bytes=sizes.part_bytes,
        parts_per_task=pagination.MOST_PARTS // sizes.tasks,
        header=view.header,
        head=statement.head,
        tail=statement.tail,
        copy_options=view.copy_options(),
        profile=view.payload.profile,
        time_zone=view.payload.time_zone,
        rows_total=measure.rows,
        oversized_cells=measure.oversized,
        file_name=file_name(job),
        content_type=CONTENT_TYPE,
        session=dict(SESSION, source_schema=settings.source_schema),
        tasks=tuple(pagination.assign(pages, sizes.tasks)),
        hints=hints,
    )


async def _pages(work: Work, view: CompiledView, rows: int, cuts: tuple[str, ...]) -> list[PlannedPage]:
    if view.follows_creation is None or view.snapshot is None:
        # No index serves the order: the database sorts the view as a whole, once. Live rows hold still for one statement.
        return pagination.pages_between([])
    instants = pagination.choose_instants(rows, cuts, work.settings.page_rows)
    ids = {
        tie.instant: await work.source.cut_instant(view.cut_instant(tie.instant, tie.pieces))
        for tie in pagination.find_ties(instants)
    }
    newest_first = pagination.pages_between(pagination.boundaries(instants, ids.__getitem__))
    return newest_first if view.follows_creation == "desc" else newest_first[::-1]


@dataclass(frozen=True, slots=True)
class _Sizes:
    mode: Literal["single", "multipart"]
    tasks: int
    part_bytes: int


def _sizes(work: Work, view: CompiledView, rows: int, pages: int, hints: PlanHints) -> _Sizes:
    settings = work.settings
    estimate = len(view.header.encode()) + rows * view.usual_row_bytes
    if estimate <= settings.part_bytes and not hints.force_multipart:
        return _Sizes("single", 1, settings.part_bytes)
    most_tasks = min(settings.max_tasks_per_job, settings.max_source_connections)
    tasks = 1 if hints.one_task else pagination.task_count(pages, rows * view.least_row_bytes, most_tasks)
    part_bytes = pagination.part_size(estimate, tasks, max(settings.part_bytes, hints.part_bytes))
    if part_bytes > pagination.LARGEST_PART_BYTES:
        raise TooLargeError("parts of the needed size are beyond S3's limit")
    return _Sizes("multipart", tasks, part_bytes)


def file_name(job: LockedJob) -> str:
    """Return an ASCII name from the view's and the instant of the request."""
    view = re.sub(r"[^a-z0-9]+", "-", job.view_name.lower().encode("ascii", "ignore").decode()).strip("-")[:60]
    return f"{view or 'tickets'}-{job.requested_at.astimezone(UTC):%Y-%m-%dT%H%M%SZ}.csv"


def object_key(prefix: str, job_id: UUID, plan_token: UUID, attempt_token: UUID, name: str) -> str:
    """Return the key of one attempt's object; no two attempts share one."""
    return f"{prefix}/{job_id}/{plan_token}/{attempt_token}/{name}"


async def record_upload(work: Work, lease: Lease, key: str, plan_token: UUID) -> None:
    """Write the ledger entry before anything is created under the key."""
    task = lease.task
    async with work.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
        noted = await connection.fetchval(
            queries.INSERT_UPLOAD,
            key,
            task.job_id,
            plan_token,
            task.lease_token,
            task.id,
            work.settings.s3_bucket,
        )
    if not noted:
        raise LeaseLostError("the task was taken over before its upload began")


async def _open_upload(work: Work, lease: Lease, plan: Plan, plan_token: UUID) -> None:
    key = object_key(work.settings.s3_prefix, lease.task.job_id, plan_token, plan_token, plan.file_name)
    await record_upload(work, lease, key, plan_token)
    upload_id = await work.store.create_upload(key, plan.content_type, lease)
    await failpoint("plan.upload_created")
    async with work.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
        await connection.execute(queries.STORE_UPLOAD_ID, key, upload_id)


async def _store(work: Work, task: ClaimedTask, plan: Plan, plan_token: UUID) -> Claimed:
    async with work.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection, connection.transaction():
        await lock_held(connection, task)
        stored = await connection.fetchval(
            queries.STORE_PLAN, task.job_id, plan.model_dump_json(), plan_token, plan.rows_total, plan.oversized_cells
        )
        done = await connection.fetchval(queries.FINISH_TASK, task.id, task.lease_token, None, 0, 0)
        if not (stored and done):
            raise LeaseLostError("the job ended while it was planned")
        first = await lease_next(connection, work.claims, task, kind="copy", number=0, plan_token=plan_token)
        for number in range(1, len(plan.tasks)):
            await _offer(connection, work, task.job_id, number, plan_token)
        return first


async def _offer(connection: Connection, work: Work, job_id: UUID, number: int, plan_token: UUID) -> None:
    await connection.execute(queries.INSERT_TASK, uuid7(), job_id, "copy", number, plan_token)
    await outbox.enqueue(connection, TaskReady(job_id=job_id, task_number=number), work.topics)
