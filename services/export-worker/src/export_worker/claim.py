"""Claims one task: fair between people, serialised between workers, fenced by a new token each time."""

import socket
from dataclasses import dataclass
from os import getpid
from uuid import UUID, uuid4

from uuid6 import uuid7

from export_worker import queries
from export_worker.documents import ClaimedTask
from export_worker.errors import AttemptsExhaustedError, PermanentError, TooOldError
from export_worker.settings import WorkerSettings
from export_worker.settle import safe_error
from ticket_export.database.connection import ACQUIRE_TIMEOUT_SECONDS, Connection, Pool
from ticket_export.database.transitions import LockedJob, fail_job, lock_job, start_job
from ticket_export.failpoints import failpoint
from ticket_export.jobs import UNFINISHED
from ticket_export.leases import boot_time
from ticket_export.telemetry import get_logger
from ticket_export.topics import Topics

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A task that was leased by a statement sent at ``sent_at``, a ``boot_time()``: its deadline counts from there."""

    task: ClaimedTask
    sent_at: float


@dataclass(frozen=True, slots=True)
class Claims:
    """Takes tasks for one worker."""

    settings: WorkerSettings
    pool: Pool
    topics: Topics

    @property
    def worker(self) -> str:
        """The name under which this worker holds leases."""
        return self.settings.worker_name or f"{socket.gethostname()}:{getpid()}"

    async def claim(self, *, idle: bool) -> Claimed | None:
        """Lease the next task, or return None when there is none for this worker now.

        From its third attempt a task is only given to an ``idle`` worker, so that one that exhausts memory does
        not burn its neighbours' attempts; once it has waited for a lease's length, busy workers take nothing else.
        """
        async with self.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection, connection.transaction():
            await connection.execute(queries.SERIALISE_CLAIMS)
            chosen = await connection.fetchrow(
                queries.CHOOSE_TASK,
                self.settings.max_running_jobs_per_person,
                self.settings.max_source_connections,
                idle,
                self.settings.lease_seconds,
            )
            if chosen is None or (chosen["alone"] and not idle):
                return None
            job = await lock_job(connection, chosen["job_id"])
            await failpoint("claim.locked")
            if job is None or job.status not in UNFINISHED:
                return None
            return await self._lease(connection, job, chosen["id"])

    async def _lease(self, connection: Connection, job: LockedJob, task_id: UUID) -> Claimed | None:
        sent_at = boot_time()
        row = await connection.fetchrow(queries.LEASE_TASK, task_id, uuid4(), self.settings.lease_seconds, self.worker)
        if row is None:
            return None
        task = ClaimedTask.model_validate(dict(row))
        verdict = await self._hopeless(connection, job, task)
        if verdict is not None:
            # A filter would leave the job running for ever: whoever meets it ends it.
            await fail_job(connection, job, safe_error(verdict, job.id), self.topics)
            return None
        await start_job(connection, job, self.topics)
        log.info("Task claimed", action="claimed", job_id=str(job.id), kind=task.kind, attempt=task.attempt)
        return Claimed(task, sent_at)

    async def _hopeless(self, connection: Connection, job: LockedJob, task: ClaimedTask) -> PermanentError | None:
        if task.attempt > self.settings.max_attempts:
            return AttemptsExhaustedError(f"{task.kind} task died {self.settings.max_attempts} times")
        if await connection.fetchval(queries.JOB_AGE, job.id) > self.settings.max_job_age_seconds:
            return TooOldError("older than MAX_JOB_AGE_SECONDS")
        return None


async def lease_next(
    connection: Connection, claims: Claims, task: ClaimedTask, *, kind: str, number: int, plan_token: UUID
) -> Claimed:
    """Create the task that follows and lease it to this worker in the same transaction; the job is locked."""
    sent_at = boot_time()
    row = await connection.fetchrow(
        queries.INSERT_LEASED_TASK,
        uuid7(),
        task.job_id,
        kind,
        number,
        plan_token,
        uuid4(),
        claims.settings.lease_seconds,
        claims.worker,
    )
    return Claimed(ClaimedTask.model_validate(dict(row or {})), sent_at)
