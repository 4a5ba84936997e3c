"""Changes of a job's status, each in the caller's transaction: compare-and-set, audit row, outbox row.

Every caller has locked the job first (``lock_job``); that is the lock order of the whole system: job, then tasks,
then audit and outbox.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from ticket_export import audit
from ticket_export.audit import AuditAction, AuditEntry
from ticket_export.bus import outbox
from ticket_export.database import queries
from ticket_export.database.connection import Connection
from ticket_export.events import ExportCancelled, ExportCompleted, ExportExpired, ExportFailed, ExportStarted
from ticket_export.jobs import JobStatus
from ticket_export.topics import Topics


@dataclass(frozen=True, slots=True)
class LockedJob:
    """A job as it stood when its row was locked; ``payload`` and ``plan`` are JSON texts."""

    id: UUID
    requester_id: UUID
    view_id: str
    view_name: str
    payload: str
    client_reference: str | None
    snapshot: str
    snapshot_mode: Literal["exact", "statement"]
    schema_signature: str
    source_identity: str
    requested_at: datetime
    status: JobStatus
    stage: str | None
    plan: str | None
    plan_token: UUID | None
    rows_total: int | None
    rows_done: int
    bytes_done: int
    sequence: int
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class FinishedFile:
    """What a completed job's file is: sizes in bytes, ``digest`` as ``sha256-parts:<hex>``.

    ``oversized_cells`` are longer than a spreadsheet's. ``read_at`` is the instant that it shows, when that is not the
    request's.
    """

    rows: int
    size_bytes: int
    digest: str
    profile: str
    oversized_cells: int = 0
    read_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SafeError:
    """Why a job failed, in words that may be shown; ``reference`` leads to the log line."""

    code: str
    message: str
    reference: str


@dataclass(frozen=True, slots=True)
class Actor:
    """A person who changes a job, and where from."""

    id: UUID
    client_address: str | None
    request_id: str | None


async def lock_job(connection: Connection, job_id: UUID) -> LockedJob | None:
    """Lock a job's row and return it, or None when there is no such job."""
    row = await connection.fetchrow(queries.LOCK_JOB, job_id)
    if row is None:
        return None
    values: dict[str, Any] = dict(row)
    values["status"] = JobStatus(values["status"])
    return LockedJob(**values)


def _entry(job: LockedJob, action: AuditAction, **more: Any) -> AuditEntry:
    return AuditEntry(action, job_id=job.id, view_id=job.view_id, view_name=job.view_name, **more)


async def start_job(connection: Connection, job: LockedJob, topics: Topics) -> None:
    """Queued → running; nothing happens when another task of the job was first."""
    row = await connection.fetchrow(queries.START_JOB, job.id)
    if row is None:
        return
    await audit.record(connection, _entry(job, AuditAction.STARTED), topics)
    event = ExportStarted(
        job_id=job.id,
        sequence=row["sequence"],
        client_reference=job.client_reference,
        started_at=row["started_at"],
    )
    await outbox.enqueue(connection, event, topics)


async def complete_job(
    connection: Connection, job: LockedJob, file: FinishedFile, life: timedelta, topics: Topics
) -> bool:
    """Running → completed; tell whether it took effect."""
    row = await connection.fetchrow(queries.COMPLETE_JOB, job.id, file.rows, file.size_bytes, life)
    if row is None:
        return False
    await connection.execute(queries.END_TASKS, job.id)
    details = {"bytes": file.size_bytes, "digest": file.digest, "profile": file.profile}
    entry = _entry(job, AuditAction.COMPLETED, rows_total=file.rows, duration_ms=row["duration_ms"], details=details)
    await audit.record(connection, entry, topics)
    event = ExportCompleted(
        job_id=job.id,
        sequence=row["sequence"],
        client_reference=job.client_reference,
        rows=file.rows,
        bytes=file.size_bytes,
        digest=file.digest,
        profile=file.profile,
        oversized_cells=file.oversized_cells,
        requested_at=job.requested_at,
        completed_at=row["completed_at"],
        expires_at=row["expires_at"],
        snapshot_mode=job.snapshot_mode,
        read_at=file.read_at,
    )
    await outbox.enqueue(connection, event, topics)
    return True


async def fail_job(connection: Connection, job: LockedJob, error: SafeError, topics: Topics) -> bool:
    """Queued or running → failed; tell whether it took effect."""
    row = await connection.fetchrow(queries.FAIL_JOB, job.id, error.code, error.message, error.reference)
    if row is None:
        return False
    await connection.execute(queries.END_TASKS, job.id)
    details = {"code": error.code, "reference": error.reference}
    entry = _entry(
        job,
        AuditAction.FAILED,
        outcome="failure",
        rows_total=job.rows_total,
        duration_ms=row["duration_ms"],
        details=details,
    )
    await audit.record(connection, entry, topics)
    event = ExportFailed(
        job_id=job.id,
        sequence=row["sequence"],
        client_reference=job.client_reference,
        error_code=error.code,
        error_reference=error.reference,
    )
    await outbox.enqueue(connection, event, topics)
    return True


async def cancel_job(connection: Connection, job: LockedJob, by: Actor, topics: Topics) -> bool:
    """Queued or running → cancelled; tell whether it took effect. Workers notice at their next renewal."""
    row = await connection.fetchrow(queries.CANCEL_JOB, job.id)
    if row is None:
        return False
    await connection.execute(queries.END_TASKS, job.id)
    entry = _entry(
        job,
        AuditAction.CANCELLED,
        actor_id=by.id,
        client_address=by.client_address,
        request_id=by.request_id,
        rows_total=job.rows_total,
        duration_ms=row["duration_ms"],
    )
    await audit.record(connection, entry, topics)
    event = ExportCancelled(job_id=job.id, sequence=row["sequence"], client_reference=job.client_reference)
    await outbox.enqueue(connection, event, topics)
    return True


async def expire_job(connection: Connection, job: LockedJob, topics: Topics) -> bool:
    """Completed → expired, once its time has come; tell whether it took effect."""
    sequence = await connection.fetchval(queries.EXPIRE_JOB, job.id)
    if sequence is None:
        return False
    await audit.record(connection, _entry(job, AuditAction.EXPIRED, rows_total=job.rows_total), topics)
    event = ExportExpired(job_id=job.id, sequence=sequence, client_reference=job.client_reference)
    await outbox.enqueue(connection, event, topics)
    return True
