"""Composition root of export-worker: settings → resources → claim, run, renew, until SIGTERM; then drain."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import asyncpg
from prometheus_client import CollectorRegistry

from export_worker.claim import Claims
from export_worker.leases import LeaseKeeper
from export_worker.metrics import WorkerMetrics
from export_worker.progress import ProgressReports
from export_worker.run import Runner
from export_worker.settings import WorkerSettings
from export_worker.source import open_source
from export_worker.wakeups import Wakeups
from export_worker.work import Work
from ticket_export.bus.broker import ResilientBroker
from ticket_export.database.connection import Pool, open_pool
from ticket_export.health import database_answers, serve_health
from ticket_export.settings import SettingsError, load
from ticket_export.storage.object_store import open_object_store
from ticket_export.telemetry import configure_logging, get_logger
from ticket_export.topics import Topics

# Slots claim, save and report at once; renewals have a connection of their own.
CONNECTIONS_PER_SLOT = 3
DATABASE_RETRY_SECONDS = 1.0

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Worker:
    """A running worker; tests start several in one process."""

    runner: Runner
    broker: ResilientBroker
    wakeups: Wakeups
    pool: Pool

    @property
    def running_tasks(self) -> int:
        """Slots in use."""
        return self.runner.running_tasks

    @property
    def kafka_connected(self) -> bool:
        """Whether wake-ups can arrive."""
        return self.broker.connected

    @property
    def dead_letters(self) -> int:
        """Messages that could not be understood."""
        return self.wakeups.dead_letters

    async def is_ready(self) -> bool:
        """Whether the jobs database answers."""
        return await database_answers(self.pool)


async def _open_jobs(settings: WorkerSettings) -> Pool:
    """Wait for the jobs database: a worker that starts first is no error."""
    while True:
        try:
            return await open_pool(
                settings.database_url,
                schema=settings.exports_schema,
                application_name="export-worker",
                max_size=2 + CONNECTIONS_PER_SLOT * settings.worker_slots,
            )
        except (asyncpg.CannotConnectNowError, OSError, TimeoutError) as error:
            log.warning("Database cannot be reached", action="database_wait", error=type(error).__name__)
            await asyncio.sleep(DATABASE_RETRY_SECONDS)


@asynccontextmanager
async def running_worker(settings: WorkerSettings) -> AsyncIterator[Worker]:
    """Start a worker; on the way out stop consuming, drain, hand leases back, then close the connections."""
    topics = Topics(settings.topic_prefix)
    async with AsyncExitStack() as stack:
        pool = await _open_jobs(settings)
        stack.push_async_callback(pool.close)
        source = await stack.enter_async_context(
            open_source(
                settings.source_database_url,
                bookkeeping_schema=settings.source_bookkeeping_schema,
                connections=settings.worker_slots,
            )
        )
        store = await stack.enter_async_context(open_object_store(settings))
        wake = asyncio.Event()
        broker = ResilientBroker(settings, client_id="export-worker")
        wakeups = Wakeups(topics, wake.set, broker)
        broker.subscribe_with(wakeups.subscribe)
        work = Work(
            settings, pool, source, store, Claims(settings, pool, topics), ProgressReports(pool, broker, topics), topics
        )
        keeper = LeaseKeeper(settings)
        runner = Runner(work, keeper, wake)
        renewing = asyncio.create_task(keeper.run(), name="renew-leases")
        stack.push_async_callback(_end, renewing)
        await broker.start()
        claiming = asyncio.create_task(runner.claim_loop(), name="claim")
        try:
            yield Worker(runner, broker, wakeups, pool)
        finally:
            await broker.stop()
            await _end(claiming)
            await runner.drain(settings.drain_seconds)


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _serve(settings: WorkerSettings) -> None:
    serving = asyncio.current_task()
    stopping = asyncio.Event()
    started = False

    def on_signal() -> None:
        stopping.set()
        if not started and serving is not None:
            serving.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, on_signal)
    registry = CollectorRegistry()
    async with AsyncExitStack() as stack:
        worker = await stack.enter_async_context(running_worker(settings))
        WorkerMetrics(registry, worker)
        await stack.enter_async_context(
            serve_health(settings.health_host, settings.health_port, ready=worker.is_ready, registry=registry)
        )
        started = True
        log.info("Worker is ready", action="started", slots=settings.worker_slots)
        await stopping.wait()
        log.info("Worker stops", action="stopping")


def run() -> None:
    """Console script: run until SIGTERM or Ctrl-C; exit 2 when a setting is missing or wrong."""
    try:
        settings = load(WorkerSettings)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    configure_logging("export-worker", level=settings.log_level, form=settings.log_format)
    with suppress(asyncio.CancelledError):
        asyncio.run(_serve(settings))
