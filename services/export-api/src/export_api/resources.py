"""What the handlers work with, opened in order at start and closed in reverse, each within a bound."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from export_api.auth.identity import Identity, open_identity
from export_api.database import Database
from export_api.metrics import Metrics
from export_api.queries.source import Source
from export_api.relay import Relay
from export_api.settings import ApiSettings
from export_api.use_cases.installation import Installation
from ticket_export.bus.broker import ResilientBroker
from ticket_export.database.connection import Pool, open_pool
from ticket_export.storage.links import DownloadLinks
from ticket_export.topics import Topics

APPLICATION_NAME = "export-api"
POOL_CLOSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Resources:
    """One running export-api."""

    settings: ApiSettings
    installation: Installation
    links: DownloadLinks
    identity: Identity
    metrics: Metrics


async def open_resources(settings: ApiSettings, metrics: Metrics, stack: AsyncExitStack) -> Resources:
    """Open everything; neither an unreachable database nor an unreachable Kafka stops it."""
    identity = await open_identity(settings, stack)
    jobs_pool = await stack.enter_async_context(_pool(settings, source=False))
    source_pool = await stack.enter_async_context(_pool(settings, source=True))
    broker = ResilientBroker(settings, client_id=APPLICATION_NAME)
    await broker.start()
    stack.push_async_callback(broker.stop)
    metrics.watch_kafka(lambda: broker.connected)
    await stack.enter_async_context(Relay(settings, broker, metrics).running())
    source = Source(
        Database(source_pool), settings.source_schema, settings.source_bookkeeping_schema, settings.snapshot_mode
    )
    return Resources(
        settings=settings,
        installation=Installation(Database(jobs_pool), source, Topics(settings.topic_prefix)),
        links=DownloadLinks(settings, settings.s3_public_url),
        identity=identity,
        metrics=metrics,
    )


@asynccontextmanager
async def _pool(settings: ApiSettings, *, source: bool) -> AsyncIterator[Pool]:
    pool = await open_pool(
        settings.source_database_url if source else settings.database_url,
        schema=settings.source_schema if source else settings.exports_schema,
        application_name=APPLICATION_NAME,
        min_size=0,  # connects when first used: a database that is down at start must not matter
        max_size=settings.database_pool_size,
    )
    try:
        yield pool
    finally:
        try:
            async with asyncio.timeout(POOL_CLOSE_SECONDS):
                await pool.close()
        except TimeoutError:
            pool.terminate()
