"""The small HTTP server of a process without an API: alive, ready, metrics."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from ticket_export.database.connection import DATABASE_ERRORS, Pool

PING_SECONDS = 2.0


async def database_answers(pool: Pool) -> bool:
    """Tell whether the jobs database answers soon; Kafka and S3 may be down, the work waits for them."""
    try:
        async with pool.acquire(timeout=PING_SECONDS) as connection:
            await connection.fetchval("SELECT 1", timeout=PING_SECONDS)
    except DATABASE_ERRORS:
        return False
    return True


@asynccontextmanager
async def serve_health(
    host: str, port: int, *, ready: Callable[[], Awaitable[bool]], registry: CollectorRegistry
) -> AsyncIterator[str]:
    """Serve while the block runs; yield ``host:port``, with the port that was chosen when ``port`` is 0."""

    async def on_alive(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def on_ready(_request: web.Request) -> web.Response:
        return web.Response(text="ready\n") if await ready() else web.Response(status=503, text="database is away\n")

    async def on_metrics(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", on_alive), web.get("/readyz", on_ready), web.get("/metrics", on_metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield "{}:{}".format(*runner.addresses[0][:2])
    finally:
        await runner.cleanup()
