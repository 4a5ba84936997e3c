"""Keeps the leases of this worker's tasks, and stops a task the moment its lease is lost.

The keeper has a connection of its own: an exhausted pool must not cost leases.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from export_worker import queries
from export_worker.documents import ClaimedTask
from export_worker.errors import LeaseLostError
from export_worker.settings import WorkerSettings
from ticket_export.database.connection import DATABASE_ERRORS, Connection, connect
from ticket_export.database.transitions import LockedJob, lock_job
from ticket_export.jobs import UNFINISHED
from ticket_export.leases import Deadline, LeaseTerms, boot_time
from ticket_export.telemetry import get_logger

log = get_logger(__name__)


@dataclass(slots=True, eq=False)
class Lease:
    """A task that this worker holds until ``deadline``; the storage adapter asks it before every write."""

    task: ClaimedTask
    deadline: Deadline
    runner: "asyncio.Task[object]"
    lost: bool = False

    @property
    def remaining_seconds(self) -> float:
        """Seconds left; none once it is lost."""
        return -1.0 if self.lost else self.deadline.remaining_seconds


async def lock_held(connection: Connection, task: ClaimedTask) -> LockedJob:
    """Lock the job, then check that it is unfinished and the task still ours; raise LeaseLostError otherwise.

    The first statement of every transaction in which a worker changes anything.
    """
    job = await lock_job(connection, task.job_id)
    if job is None or job.status not in UNFINISHED:
        raise LeaseLostError("the job has ended")
    if not await connection.fetchval(queries.HOLD_TASK, task.id, task.lease_token):
        raise LeaseLostError("the task is no longer ours")
    return job


class LeaseKeeper:
    """Renews all leases of the worker in one statement; use ``run`` as a background task."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._held: dict[UUID, Lease] = {}
        self.terms = LeaseTerms(settings.lease_seconds, settings.lease_renewal_seconds, settings.lease_margin_seconds)

    def hold(self, task: ClaimedTask, sent_at: float, runner: "asyncio.Task[object]") -> Lease:
        """Begin to renew a task that was leased by a statement sent at ``sent_at``."""
        lease = Lease(task, Deadline.after(sent_at, self.terms), runner)
        self._held[task.id] = lease
        return lease

    def drop(self, lease: Lease) -> None:
        """Stop renewing."""
        if self._held.get(lease.task.id) is lease:
            del self._held[lease.task.id]

    async def run(self) -> None:
        """Renew for ever; survives the database going away."""
        connection: asyncpg.Connection[asyncpg.Record] | None = None
        try:
            while True:
                await asyncio.sleep(self.terms.renewal_seconds)
                self._stop_expired()
                try:
                    if connection is None or connection.is_closed():
                        connection = await self._connect()
                    await self._renew(connection)
                except Exception as error:  # noqa: BLE001 - whatever it is, without renewals every task is lost
                    log.warning("Leases could not be renewed", action="renew_failed", error=type(error).__name__)
                    if connection is not None:
                        connection.terminate()
                        connection = None
        finally:
            if connection is not None:
                with suppress(*DATABASE_ERRORS):
                    await connection.close(timeout=1)

    async def _connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        async with asyncio.timeout(self.terms.renewal_seconds):
            return await connect(
                self._settings.database_url,
                schema=self._settings.exports_schema,
                application_name="export-worker-leases",
            )

    async def _renew(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        held = list(self._held.values())
        if not held:
            return
        sent_at = boot_time()
        rows = await connection.fetch(
            queries.RENEW_LEASES,
            [lease.task.id for lease in held],
            [lease.task.lease_token for lease in held],
            self.terms.lease_seconds,
            timeout=self.terms.renewal_seconds,
        )
        renewed = {row["id"] for row in rows}
        for lease in held:
            if lease.task.id in renewed:
                lease.deadline.extend(sent_at, self.terms)
            else:
                self._lose(lease, "taken over or ended")

    def _stop_expired(self) -> None:
        for lease in list(self._held.values()):
            if lease.remaining_seconds <= 0:
                self._lose(lease, "not renewed in time")

    def _lose(self, lease: Lease, reason: str) -> None:
        if self._held.get(lease.task.id) is not lease:
            return
        log.warning("Lease lost", action="lease_lost", task_id=str(lease.task.id), reason=reason)
        lease.lost = True
        self.drop(lease)
        lease.runner.cancel()
