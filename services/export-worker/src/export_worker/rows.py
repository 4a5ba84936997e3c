"""Where a copy task's rows come from: the frozen plan's pages as of the request, or one statement on the live tables.

The second is ``snapshot_mode = "statement"``: the file is the database at the instant of that statement, with "now" in
its filters and the count in the same transaction. Another attempt reads another instant, so bytes of two never meet.
"""

from typing import Protocol

from export_worker import queries
from export_worker.documents import ClaimedTask, LiveReading, Plan, PlannedPage
from export_worker.errors import LeaseLostError, ReplanError
from export_worker.plan import bind_view
from export_worker.source import Sink
from export_worker.work import Work
from ticket_export.database.connection import ACQUIRE_TIMEOUT_SECONDS
from ticket_export.database.transitions import LockedJob


class Rows(Protocol):
    """What a copy task reads."""

    @property
    def reading(self) -> LiveReading | None:
        """What was found out about the rows while they were read; None when the plan knew before."""

    async def copy(self, page: PlannedPage, sink: Sink) -> int:
        """Stream one page's CSV into the sink and return its number of rows."""


class FrozenRows:
    """The plan's pages as of the snapshot: the same bytes whenever and by whomever they are read."""

    reading: LiveReading | None = None

    def __init__(self, work: Work, plan: Plan) -> None:
        self._source = work.source
        self._plan = plan

    async def copy(self, page: PlannedPage, sink: Sink) -> int:
        """Run the plan's statement for the page."""
        statement = self._plan.statement.for_page(page.page())
        return await self._source.copy(statement, self._plan.copy_options, sink)


class LiveRows:
    """The live tables at one instant."""

    def __init__(self, work: Work, job: LockedJob, plan: Plan) -> None:
        self._work = work
        self._job = job
        self._plan = plan
        self.reading: LiveReading | None = None

    async def copy(self, page: PlannedPage, sink: Sink) -> int:
        """Count and read the whole view in one transaction, whose instant is "now" in its filters."""
        async with self._work.source.instant() as instant:
            view = bind_view(self._work, self._job, at=instant.at)
            measure = await instant.measure(view.measure())
            rows = await instant.copy(view.copy().for_page(page.page()), self._plan.copy_options, sink)
        self.reading = LiveReading(at=instant.at, rows=measure.rows, oversized_cells=measure.oversized)
        return rows


async def rows_of(work: Work, task: ClaimedTask, job: LockedJob, plan: Plan) -> Rows:
    """Return what the task has to read.

    Raises ReplanError when an earlier attempt may have stored parts of another instant under the plan's numbers.
    """
    if job.snapshot_mode == "exact":
        return FrozenRows(work, plan)
    if plan.mode == "multipart":
        if task.checkpoint is not None:
            raise ReplanError("rows of another instant cannot be taken up again")
        await _mark_begun(work, task)
    return LiveRows(work, job, plan)


async def _mark_begun(work: Work, task: ClaimedTask) -> None:
    async with work.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
        if not await connection.fetchval(queries.SAVE_CHECKPOINT, task.id, task.lease_token, "{}", 0, 0):
            raise LeaseLostError("the task was taken over")
