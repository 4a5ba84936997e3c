"""Composition root: settings → database, buckets, health → one run or a loop of them."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Annotated

import typer
from pydantic import SecretStr

from janitor.buckets import Buckets, open_buckets
from janitor.errors import JanitorError
from janitor.loop import run_for_ever
from janitor.metrics import Metrics
from janitor.run import run_once
from janitor.settings import JanitorSettings
from janitor.source import Source
from ticket_export.database.connection import DATABASE_ERRORS, Pool, open_pool
from ticket_export.health import database_answers, serve_health
from ticket_export.settings import SettingsError, load
from ticket_export.telemetry import configure_logging, get_logger

WRONG_SETTINGS = 2
CLOSE_SECONDS = 5.0

log = get_logger(__name__)
cli = typer.Typer(add_completion=False)


@cli.command()
def janitor(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Do what is due and exit: 0 if nothing is left, else 1.")
    ] = False,
) -> None:
    """Expire files, clear what failed exports left in S3, delete old jobs, prune histories; hourly unless told otherwise."""
    try:
        settings = load(JanitorSettings)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(WRONG_SETTINGS) from None
    configure_logging("janitor", level=settings.log_level, form=settings.log_format)
    if not asyncio.run(_main(settings, once=once)):
        raise typer.Exit(1)


async def _main(settings: JanitorSettings, *, once: bool) -> bool:
    """Work until done or told to stop; tell whether all went well."""
    work = asyncio.ensure_future(_work(settings, once=once))
    # Any prefix of the work is finished by the next run, so it may be cut anywhere; the lease is handed back on the way.
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        return await work
    except asyncio.CancelledError:
        log.info("Stopped by a signal", action="janitor_stopped")
        return not once


async def _work(settings: JanitorSettings, *, once: bool) -> bool:
    metrics = Metrics()
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(_database(settings))
        source = await stack.enter_async_context(_source(settings))
        buckets = await stack.enter_async_context(open_buckets(settings))

        async def run() -> bool:
            return await _counted_run(pool, source, buckets, settings, metrics)

        if not once:
            health = serve_health(
                settings.health_host,
                settings.health_port,
                ready=partial(database_answers, pool),
                registry=metrics.registry,
            )
            address = await stack.enter_async_context(health)
            log.info("Janitor is up", action="janitor_up", health=address)
            await run_for_ever(run, settings.interval_seconds)
        return await run()


@asynccontextmanager
async def _database(settings: JanitorSettings) -> AsyncIterator[Pool]:
    async with _pool(settings.database_url, settings.exports_schema, 2) as pool:
        yield pool


@asynccontextmanager
async def _source(settings: JanitorSettings) -> AsyncIterator[Source]:
    async with _pool(settings.source_database_url, settings.source_schema, 1) as pool:
        yield Source(pool, settings.source_schema, settings.source_bookkeeping_schema)


@asynccontextmanager
async def _pool(url: SecretStr, schema: str, size: int) -> AsyncIterator[Pool]:
    # No connection yet: a database that is down at start is an early end of the first run.
    pool = await open_pool(url, schema=schema, application_name="janitor", min_size=0, max_size=size)
    try:
        yield pool
    finally:
        try:
            await asyncio.wait_for(pool.close(), CLOSE_SECONDS)
        except TimeoutError:
            pool.terminate()


async def _counted_run(
    pool: Pool, source: Source, buckets: Buckets, settings: JanitorSettings, metrics: Metrics
) -> bool:
    try:
        report = await run_once(pool, source, buckets, settings)
    except (JanitorError, *DATABASE_ERRORS) as error:
        metrics.count_error()
        log.warning("Run ended early", action="janitor_run_failed", reason=f"{type(error).__name__}: {error}")
        return False
    metrics.count(report)
    return report.complete


def run() -> None:
    """Entry point of the command ``janitor``."""
    cli()
