"""Runs claimed tasks in bounded slots, one after another while each hands over the next, and settles how each ends."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Literal

from export_worker import copy, finish, plan
from export_worker.claim import Claimed
from export_worker.clear import clear_uploads
from export_worker.documents import ClaimedTask
from export_worker.errors import (
    ExhaustedError,
    InternalError,
    LeaseLostError,
    SnapshotLostError,
    SourceError,
    SourceRestoredError,
    StorageFullError,
    StorageRefusedTaskError,
    TaskError,
    UnreachableError,
)
from export_worker.leases import Lease, LeaseKeeper
from export_worker.settle import hand_back, settle
from export_worker.source import SourceFailure
from export_worker.work import Work
from ticket_export.database.connection import DATABASE_ERRORS
from ticket_export.failpoints import failpoint
from ticket_export.source_contract import SourceFault
from ticket_export.storage.errors import LeaseExpiredError, StorageRefusedError, StorageUnavailableError
from ticket_export.storage.object_store import INSUFFICIENT_STORAGE
from ticket_export.telemetry import get_logger

log = get_logger(__name__)

# Whatever assert_safe() raises on the source ends the job, except that a standby may be the wrong one of two servers.
SOURCE_FAULTS: dict[str, type[TaskError]] = {
    SourceFault.PRUNED: SnapshotLostError,
    SourceFault.TOO_OLD: SnapshotLostError,
    SourceFault.BROKEN: SnapshotLostError,
    SourceFault.MOVED: SourceRestoredError,
    SourceFault.STANDBY: UnreachableError,
}
# Connection exceptions, shutdowns, exhausted resources, deadlocks: the server is not there for us now.
_AWAY = ("08", "40", "53", "57P", "58")

STEPS: dict[Literal["plan", "copy", "finish"], Callable[[Work, Lease], Awaitable[Claimed | None]]] = {
    "plan": plan.run,
    "copy": copy.run,
    "finish": finish.run,
}


def classify(error: Exception) -> TaskError:
    """Return what an error means for the task."""
    if isinstance(error, TaskError):
        return error
    if _is_out_of_memory(error):
        return ExhaustedError(f"{type(error).__name__}: {error}")
    return _classify_storage(error) or _classify_source(error) or _classify_jobs_database(error)


def _is_out_of_memory(error: BaseException | None) -> bool:
    """Tell whether memory ran out somewhere below: a driver that could not take an answer says only that it is gone."""
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__
    return False


def _classify_storage(error: Exception) -> TaskError | None:
    match error:
        case LeaseExpiredError() | StorageUnavailableError():
            # Whether the lease is lost or was only too short, the fence of the next write tells.
            return UnreachableError(str(error))
        case StorageRefusedError(status=status, code=code):
            full = status == INSUFFICIENT_STORAGE or code == "XMinioStorageFull"
            return StorageFullError(str(error)) if full else StorageRefusedTaskError(str(error))
        case _:
            return None


def _classify_source(error: Exception) -> TaskError | None:
    if not isinstance(error, SourceFailure):
        return None
    if error.state in SOURCE_FAULTS:
        return SOURCE_FAULTS[error.state](str(error))
    return UnreachableError(str(error)) if _is_away(error.state) else SourceError(str(error))


def _classify_jobs_database(error: Exception) -> TaskError:
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, DATABASE_ERRORS) and _is_away(getattr(error, "sqlstate", None) or ""):
        return UnreachableError(text)
    return InternalError(text)


def _is_away(state: str) -> bool:
    return not state or state.startswith(_AWAY)


class Runner:
    """Claims and runs tasks until it is told to drain."""

    def __init__(self, work: Work, keeper: LeaseKeeper, wake: asyncio.Event) -> None:
        self._work = work
        self._keeper = keeper
        # Set by wake-ups and by freed slots; it never says which task.
        self._wake = wake
        self._running: set[asyncio.Task[None]] = set()
        self._alone = False
        self._draining = False

    @property
    def running_tasks(self) -> int:
        """How many slots are in use."""
        return len(self._running)

    async def claim_loop(self) -> None:
        """Claim whenever a slot is free; sweep every second even if nobody wakes us."""
        while True:
            self._wake.clear()
            try:
                while self._may_claim() and await self._claim_one():
                    pass
            except DATABASE_ERRORS as error:
                log.warning("Cannot claim", action="claim_failed", error=type(error).__name__)
            except Exception:
                # Whatever it is: a worker that looks alive and claims nothing is worse than a line in the log.
                log.exception("Claiming stumbled", action="claim_error")
            pause = self._work.settings.sweep_seconds * random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no secret
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def drain(self, seconds: float) -> None:
        """Let running tasks end within ``seconds``, then hand back what is left."""
        self._draining = True
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)

    def _may_claim(self) -> bool:
        return not self._draining and not self._alone and len(self._running) < self._work.settings.worker_slots

    async def _claim_one(self) -> bool:
        claimed = await self._work.claims.claim(idle=not self._running)
        if claimed is None:
            return False
        await failpoint("claim.done")
        # A task that has ended twice without a result may be what kills its workers: it gets this one for itself.
        self._alone = claimed.task.attempt > 2  # noqa: PLR2004 - the third attempt
        running = asyncio.create_task(self._run_chain(claimed), name=f"task-{claimed.task.id}")
        self._running.add(running)
        running.add_done_callback(self._slot_freed)
        return True

    def _slot_freed(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        self._alone = False
        self._wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("A task ended unsettled; its lease will run out", action="unsettled", exc_info=error)

    async def _run_chain(self, claimed: Claimed) -> None:
        following: Claimed | None = claimed
        while following is not None:
            following = await self._run_one(following)

    async def _run_one(self, claimed: Claimed) -> Claimed | None:
        task, current = claimed.task, asyncio.current_task()
        if current is None:
            raise RuntimeError("a step runs inside a task")
        lease = self._keeper.hold(task, claimed.sent_at, current)
        try:
            return await STEPS[task.kind](self._work, lease)
        except asyncio.CancelledError:
            if not lease.lost:
                with suppress(LeaseLostError, *DATABASE_ERRORS):
                    await hand_back(self._work.pool, task)
                raise
            current.uncancel()
            return None
        except Exception as error:  # noqa: BLE001 - every error has a verdict
            await self._settle(task, classify(error))
            return None
        finally:
            self._keeper.drop(lease)

    async def _settle(self, task: ClaimedTask, error: TaskError) -> None:
        log.warning(
            "Task ended early",
            action="task_ended",
            job_id=str(task.job_id),
            kind=task.kind,
            verdict=type(error).__name__,
            error=str(error),
        )
        if isinstance(error, LeaseLostError):
            return
        work = self._work
        with suppress(LeaseLostError):
            if await settle(work.pool, work.settings, work.topics, task, error):
                await clear_uploads(work, task.job_id)
