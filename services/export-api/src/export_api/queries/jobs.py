"""Every statement on the jobs database that is export-api's own; shared ones are in ``ticket_export.database``."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import asyncpg

from export_api.size_warnings import SizeWarning, size_warnings
from ticket_export.database.connection import Connection
from ticket_export.jobs import JobStatus, Stage, TaskKind
from ticket_export.permissions import Person
from ticket_export.progress import eta_seconds, percent_done
from ticket_export.views.profiles import ProfileName

# How long an Idempotency-Key stands for its job.
KEY_LIFE = timedelta(hours=24)

# One person's requests come one after another: the limit and the idempotency key are checked under it.
_LOCK_REQUESTER = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '/requests/' || $1, 0))"

# A key whose time is over is free again.
_FREE_KEY = """
UPDATE jobs SET idempotency_key = NULL, request_hash = NULL
WHERE requester_id = $1 AND idempotency_key = $2 AND requested_at < clock_timestamp() - $3::interval
"""

_FIND_BY_KEY = "SELECT id, request_hash FROM jobs WHERE requester_id = $1 AND idempotency_key = $2"

_COUNT_UNFINISHED = "SELECT count(*) FROM jobs WHERE requester_id = $1 AND status IN ('queued', 'running')"

_INSERT_JOB = """
INSERT INTO jobs (id, requester_id, requester_roles, requester_permissions, requester_is_admin, view_id, view_name,
                  payload, client_reference, snapshot, snapshot_mode, schema_signature, requested_at,
                  idempotency_key, request_hash, source_identity, retry_of)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text::jsonb, $9, $10, $11, $12, $13, $14, $15, $16, $17)
"""

_INSERT_TASK = "INSERT INTO tasks (id, job_id, kind, number) VALUES ($1, $2, $3, 0)"

# A job with its file, as people are told of it; the database's clock decides what has expired.
_JOB = """
SELECT j.id, j.requester_id, j.view_id, j.view_name, j.client_reference, j.snapshot, j.snapshot_mode, j.read_at,
       j.requested_at, j.status, j.stage, j.rows_total, j.rows_done, j.bytes_done, j.sequence, j.error_code, j.error_message,
       j.error_reference, j.started_at, j.completed_at, j.expires_at, clock_timestamp() AS now,
       j.retry_of, (SELECT r.id FROM jobs r WHERE r.retry_of = j.id) AS retried_by, j.oversized_cells, coalesce(j.payload ->> 'profile', 'spreadsheet') AS profile,
       f.bucket, f.object_key, f.file_name, f.content_type, f.size_bytes, f.digest, f.part_sizes
FROM jobs j LEFT JOIN files f ON f.job_id = j.id
"""

_GET_JOB = _JOB + "WHERE j.id = $1"

# Newest first, by keyset. $1 requester (NULL: everybody), $2 status (NULL: any), $3 and $4 the last key seen, $5 limit.
_LIST_JOBS = (
    _JOB
    + """
WHERE ($1::uuid IS NULL OR j.requester_id = $1) AND ($2::text IS NULL OR j.status = $2)
  AND ($3::timestamptz IS NULL OR (j.requested_at, j.id) < ($3, $4::uuid))
ORDER BY j.requested_at DESC, j.id DESC LIMIT $5
"""
)

# What a job was asked to do, JSON; the job is locked by the caller.
_PAYLOAD = "SELECT payload::text FROM jobs WHERE id = $1"

_CLUSTER = "SELECT system_identifier FROM pg_control_system()"

# Proves that the schema is there and can be read.
_PROBE = "SELECT 1 FROM jobs LIMIT 0"


@dataclass(frozen=True, slots=True)
class SnapshotOrigin:
    """How an export reads: as of a snapshot of this source, or live rows, which nothing ties to a moment."""

    mode: Literal["exact", "statement"] = "statement"
    snapshot: str = ""
    schema_signature: str = ""
    source_identity: str = ""


@dataclass(frozen=True, slots=True)
class NewJob:
    """What a request is stored as; ``payload`` is JSON text, ``request_hash`` SHA-256."""

    id: UUID
    requester: Person
    view_id: str
    view_name: str
    payload: str
    client_reference: str | None
    origin: SnapshotOrigin
    requested_at: datetime
    idempotency_key: str | None = None
    request_hash: bytes | None = None
    retry_of: UUID | None = None


@dataclass(frozen=True, slots=True)
class StoredFile:
    """The file of a finished job and where its bytes are."""

    bucket: str
    object_key: str
    name: str
    content_type: str
    size_bytes: int
    digest: str
    part_sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands at ``now``, the database's clock."""

    id: UUID
    requester_id: UUID
    view_id: str
    view_name: str
    client_reference: str | None
    snapshot: str
    snapshot_mode: str
    read_at: datetime | None
    requested_at: datetime
    status: JobStatus
    stage: Stage | None
    rows_total: int | None
    rows_done: int
    bytes_done: int
    sequence: int
    error_code: str | None
    error_message: str | None
    error_reference: str | None
    started_at: datetime | None
    completed_at: datetime | None
    expires_at: datetime | None
    now: datetime
    retry_of: UUID | None
    retried_by: UUID | None
    profile: ProfileName
    oversized_cells: int | None
    file: StoredFile | None

    @property
    def percent(self) -> float:
        """How far the job is, 0 to 100."""
        return percent_done(self.status, rows_done=self.rows_done, rows_total=self.rows_total)

    @property
    def eta_seconds(self) -> int | None:
        """Seconds that its rows still need, as far as can be told."""
        return eta_seconds(
            self.stage, rows_done=self.rows_done, rows_total=self.rows_total, started_at=self.started_at, now=self.now
        )

    @property
    def warnings(self) -> tuple[SizeWarning, ...]:
        """What of its file would not fit into a spreadsheet."""
        return size_warnings(self.profile, rows=self.rows_total, oversized_cells=self.oversized_cells)

    @property
    def life_left(self) -> timedelta:
        """How long the file still has; not positive when there is none."""
        return self.expires_at - self.now if self.expires_at else timedelta(0)


@dataclass(frozen=True, slots=True)
class KeyedJob:
    """The job that an idempotency key stands for, and the hash of what was asked."""

    id: UUID
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class PageKey:
    """The last job of a page: the next page begins after it."""

    requested_at: datetime
    id: UUID


async def lock_requester(connection: Connection, requester_id: UUID) -> None:
    """Wait until no other request of this person is being accepted; holds until the transaction ends."""
    await connection.execute(_LOCK_REQUESTER, str(requester_id))


async def find_by_key(connection: Connection, requester_id: UUID, key: str) -> KeyedJob | None:
    """Find the job that this person's key stands for, if its 24 hours are not over."""
    await connection.execute(_FREE_KEY, requester_id, key, KEY_LIFE)
    row = await connection.fetchrow(_FIND_BY_KEY, requester_id, key)
    return KeyedJob(**row) if row else None


async def count_unfinished(connection: Connection, requester_id: UUID) -> int:
    """Count this person's queued and running jobs."""
    count: int = await connection.fetchval(_COUNT_UNFINISHED, requester_id)
    return count


async def insert_job(connection: Connection, job: NewJob, task_id: UUID) -> None:
    """Store a job with its plan task."""
    await connection.execute(
        _INSERT_JOB,
        job.id,
        job.requester.id,
        list(job.requester.roles),
        int(job.requester.permissions),
        job.requester.is_admin,
        job.view_id,
        job.view_name,
        job.payload,
        job.client_reference,
        job.origin.snapshot,
        job.origin.mode,
        job.origin.schema_signature,
        job.requested_at,
        job.idempotency_key,
        job.request_hash,
        job.origin.source_identity,
        job.retry_of,
    )
    await connection.execute(_INSERT_TASK, task_id, job.id, TaskKind.PLAN)


async def get_job(connection: Connection, job_id: UUID) -> Job | None:
    """Read one job."""
    row = await connection.fetchrow(_GET_JOB, job_id)
    return _job(row) if row else None


async def list_jobs(
    connection: Connection, *, requester_id: UUID | None, status: JobStatus | None, after: PageKey | None, limit: int
) -> list[Job]:
    """Read a page of jobs, newest first; ``requester_id`` None means everybody's."""
    at, last_id = (after.requested_at, after.id) if after else (None, None)
    rows = await connection.fetch(_LIST_JOBS, requester_id, status, at, last_id, limit)
    return [_job(row) for row in rows]


async def read_payload(connection: Connection, job_id: UUID) -> str:
    """Read the captured view of a job that is there, as JSON."""
    payload: str = await connection.fetchval(_PAYLOAD, job_id)
    return payload


async def read_cluster(connection: Connection) -> int:
    """Read the server's system identifier."""
    cluster: int = await connection.fetchval(_CLUSTER)
    return cluster


async def probe(connection: Connection) -> None:
    """Raise when the schema cannot be read."""
    await connection.execute(_PROBE)


def _job(row: asyncpg.Record) -> Job:
    values: dict[str, Any] = dict(row)
    bucket, key, name, kind, size, digest, parts = (
        values.pop(column)
        for column in ("bucket", "object_key", "file_name", "content_type", "size_bytes", "digest", "part_sizes")
    )
    file = StoredFile(bucket, key, name, kind, size, digest, tuple(parts)) if bucket is not None else None
    status, stage = JobStatus(values.pop("status")), values.pop("stage")
    return Job(**values, status=status, stage=Stage(stage) if stage else None, file=file)
