"""Tells how far a job is: monotone, at most four times a second and job, and never in the way of the data."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from export_worker import queries
from export_worker.documents import ClaimedTask
from ticket_export.bus.broker import BrokerUnavailableError, ResilientBroker
from ticket_export.database.connection import ACQUIRE_TIMEOUT_SECONDS, DATABASE_ERRORS, Pool
from ticket_export.events import ExportProgressed, to_message
from ticket_export.jobs import JobStatus, Stage
from ticket_export.leases import boot_time
from ticket_export.progress import percent_done
from ticket_export.topics import Topics

INTERVAL_SECONDS = 0.25
PUBLISH_SECONDS = 2.0


@dataclass(slots=True)
class ProgressReports:
    """Writes and publishes progress, best effort."""

    pool: Pool
    broker: ResilientBroker
    topics: Topics
    _background: set["asyncio.Task[None]"] = field(default_factory=set)

    def in_background(self, task: ClaimedTask, rows: int, bytes_done: int) -> "asyncio.Task[None]":
        """Report how far a copy task is, without waiting."""
        report = asyncio.create_task(self._report(task, rows, bytes_done))
        self._background.add(report)
        report.add_done_callback(self._background.discard)
        return report

    async def advance(self, job_id: UUID, plan_token: UUID | None) -> None:
        """Publish the job's progress if nobody has within the last quarter of a second."""
        with suppress(*DATABASE_ERRORS):
            async with self.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
                row = await connection.fetchrow(queries.ADVANCE_PROGRESS, job_id, plan_token)
            if row is not None:
                await self._publish(job_id, row)

    async def _report(self, task: ClaimedTask, rows: int, bytes_done: int) -> None:
        with suppress(*DATABASE_ERRORS):
            async with self.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
                await connection.execute(queries.REPORT_TASK, task.id, task.lease_token, rows, bytes_done)
            await self.advance(task.job_id, task.plan_token)

    async def _publish(self, job_id: UUID, row: asyncpg.Record) -> None:
        stage = Stage(row["stage"])
        event = ExportProgressed(
            job_id=job_id,
            sequence=row["sequence"],
            client_reference=row["client_reference"],
            stage=stage,
            rows_done=row["rows_done"],
            rows_total=row["rows_total"],
            bytes_done=row["bytes_done"],
            percent=percent_done(JobStatus.RUNNING, rows_done=row["rows_done"], rows_total=row["rows_total"]),
        )
        with suppress(BrokerUnavailableError):
            await self.broker.publish([to_message(event, self.topics)], timeout_seconds=PUBLISH_SECONDS)


@dataclass(slots=True)
class TaskProgress:
    """Counts one copy task's rows and bytes as they stream by, and reports now and then."""

    reports: ProgressReports
    task: ClaimedTask
    rows: int
    bytes_done: int
    _next_at: float = 0.0
    _under_way: "asyncio.Task[None] | None" = None

    def saw(self, chunk: bytes) -> None:
        """Count a chunk. A line end inside a quoted cell counts too: a page's own number corrects it."""
        self.rows += chunk.count(b"\n")
        self.bytes_done += len(chunk)
        self.report()

    def report(self) -> None:
        """Tell how far the task is, unless it was told just now."""
        now = boot_time()
        if now < self._next_at or (self._under_way is not None and not self._under_way.done()):
            return
        self._next_at = now + INTERVAL_SECONDS
        self._under_way = self.reports.in_background(self.task, self.rows, self.bytes_done)

    async def settle(self) -> None:
        """Wait for the report that is under way, so that none comes after the task's end."""
        if self._under_way is not None:
            await asyncio.wait({self._under_way})
