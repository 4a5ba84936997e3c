"""The janitor's own small HTTP server: alive, ready, metrics. Only while it runs as a loop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from janitor.errors import DATABASE_FAULTS
from janitor.queries import PING
from ticket_export.database.connection import Pool

PING_SECONDS = 2.0


class Health:
    """Answers for one process."""

    def __init__(self, pool: Pool, registry: CollectorRegistry) -> None:
        self._pool = pool
        self._registry = registry

    async def alive(self, _request: web.Request) -> web.Response:
        """200 while the event loop turns."""
        return web.Response(text="ok\n")

    async def ready(self, _request: web.Request) -> web.Response:
        """200 while the database answers: S3 may be down, the next run finishes the work."""
        try:
            async with self._pool.acquire(timeout=PING_SECONDS) as connection:
                await connection.fetchval(PING, timeout=PING_SECONDS)
        except DATABASE_FAULTS:
            return web.Response(status=503, text="database does not answer\n")
        return web.Response(text="ready\n")

    async def metrics(self, _request: web.Request) -> web.Response:
        """Prometheus' text format."""
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


@asynccontextmanager
async def serving(health: Health, host: str, port: int) -> AsyncIterator[str]:
    """Serve while the block runs; yield the address, with the port that was chosen when ``port`` is 0."""
    app = web.Application()
    app.router.add_get("/healthz", health.alive)
    app.router.add_get("/readyz", health.ready)
    app.router.add_get("/metrics", health.metrics)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, shutdown_timeout=1.0).start()
        yield "{}:{}".format(*runner.addresses[0][:2])
    finally:
        await runner.cleanup()
