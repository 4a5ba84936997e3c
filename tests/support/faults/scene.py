"""One installation with real service processes, and everything that can go wrong with it."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import aiohttp
import asyncpg
import psutil

from local_stack.demo.people import ADA
from support.exports import Requested, insert_job
from support.faults.failpoints import Failpoints
from support.faults.judge import judge
from support.faults.s3_proxy import S3Proxy, s3_proxy
from support.faults.tcp_proxy import TcpProxy, tcp_proxy
from support.faults.watch import named, watch
from support.installation import Installation
from support.services import Fleet, Service, fleet, free_port
from support.tickets import add_tickets
from ticket_export import audit
from ticket_export.audit import AuditAction, AuditEntry
from ticket_export.topics import Topics

MEBIBYTE = 1024 * 1024
# Two seconds instead of fifteen. A worker of a busy machine may still lose one: that costs time and nothing else.
SHORT = {
    "LEASE_SECONDS": "2",
    "LEASE_RENEWAL_SECONDS": "0.3",
    "LEASE_MARGIN_SECONDS": "0.2",
    "SWEEP_SECONDS": "0.2",
    "BACKOFF_FIRST_SECONDS": "0.2",
    "BACKOFF_LONGEST_SECONDS": "0.5",
    "PART_BYTES": str(5 * MEBIBYTE),
    "PAGE_ROWS": "3000",
    "LOG_FORMAT": "console",
}
REAL_LEASE = {"LEASE_SECONDS": "15", "LEASE_RENEWAL_SECONDS": "3", "LEASE_MARGIN_SECONDS": "3"}
# Four parts of 5 MiB and a rest.
BIG_TICKETS = 20_000
BIG_TITLE = "z" * 900


@dataclass
class Scene:
    """An installation and its fleet; ``judge`` at the end of every test."""

    installation: Installation
    fleet: Fleet
    failpoints: Failpoints
    directory: Path
    stack: AsyncExitStack
    requested: list[Requested] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    # Completed, and gone since: their files were judged by the test, if at all.
    expired: set[UUID] = field(default_factory=set)
    _s3: S3Proxy | None = None

    async def s3(self) -> S3Proxy:
        """Put a proxy before S3, for the services that start from now on."""
        if self._s3 is None:
            target = self.installation.servers.object_store.address.endpoint
            self._s3 = await self.stack.enter_async_context(s3_proxy(target))
        return self._s3

    @asynccontextmanager
    async def owner(self) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
        """Look into the database as its owner."""
        connection = await self.installation.connect()
        try:
            yield connection
        finally:
            await connection.close()

    async def tcp(self, target: int, port: int = 0) -> TcpProxy:
        """Run a TCP proxy until the test ends."""
        return await self.stack.enter_async_context(tcp_proxy(target, port))

    def through(self, proxy: TcpProxy, url: str) -> str:
        """Return a database URL that leads through the proxy."""
        return url.replace(f":{self.installation.servers.postgres.port}/", f":{proxy.port}/")

    async def worker(self, name: str, *, entry: str = "", **more: str) -> Service:
        """Start a worker, by another program if ``entry`` is one; its database sessions bear its name."""
        env = {
            **SHORT,
            "WORKER_NAME": name,
            "FAILPOINTS": str(self.failpoints.directory),
            **({"S3_ENDPOINT": self._s3.url} if self._s3 else {}),
            "DATABASE_URL": self.installation.app_url,
            **more,
        }
        env["DATABASE_URL"] = named(env["DATABASE_URL"], name)
        if not entry:
            return await self.fleet.worker(**env)
        port = free_port()
        env |= {"HEALTH_PORT": str(port)}
        return await self.fleet._start(["python", "-c", entry], {**self.installation.env, **env}, port)

    async def api(self, **more: str) -> Service:
        """Start an API with its relay."""
        env = {"LEASE_SECONDS": "2", "LEASE_RENEWAL_SECONDS": "0.3", "LEASE_MARGIN_SECONDS": "0.2"}
        return await self.fleet.api(**env, FAILPOINTS=str(self.failpoints.directory), LOG_FORMAT="console", **more)

    async def request(self, scope: str = "all", requester: UUID = ADA.id, **columns: object) -> Requested:
        """Request an export as the API does, audited."""
        requested = await insert_job(self.installation, scope, requester, **columns)
        connection = await self.installation.connect()
        try:
            async with connection.transaction():
                entry = AuditEntry(AuditAction.REQUESTED, actor_id=requester, job_id=requested.id)
                await audit.record(connection, entry, Topics(self.installation.topic_prefix))
        finally:
            await connection.close()
        self.requested.append(requested)
        return requested

    async def big(self) -> Requested:
        """Request an export of several parts."""
        await add_tickets(self.installation, BIG_TICKETS, title=BIG_TITLE)
        return await self.request("all")

    def must_fail(self, requested: Requested, code: str) -> None:
        """Say how this one has to end."""
        self.failed[str(requested.id)] = code

    async def judge(self, seconds: float = 60) -> list[bytes]:
        """Assert the oracle."""
        return await judge(self.installation, self.requested, failed=self.failed, expired=self.expired, seconds=seconds)


async def gone(service: Service, seconds: float = 60) -> int:
    """Wait until a process has ended; return its exit code."""
    return await asyncio.wait_for(service.process.wait(), seconds)


async def running_tasks(service: Service) -> float:
    """What the worker's own metric says."""
    async with aiohttp.ClientSession() as http, http.get(f"{service.url}/metrics") as answer:
        [line] = [line for line in (await answer.text()).splitlines() if line.startswith("ticket_export_worker_runn")]
        return float(line.split()[1])


def freeze(service: Service) -> None:
    service.process.send_signal(signal.SIGSTOP)


def thaw(service: Service) -> None:
    service.process.send_signal(signal.SIGCONT)


def is_frozen(service: Service) -> bool:
    return psutil.Process(service.process.pid).status() == psutil.STATUS_STOPPED


@asynccontextmanager
async def open_scene(installation: Installation, directory: Path) -> AsyncIterator[Scene]:
    """Watch an installation and start services in it on demand."""
    failpoints = directory / "failpoints"
    failpoints.mkdir()
    await watch(installation)
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(fleet(installation, directory))
        yield Scene(installation, services, Failpoints(failpoints), directory, stack)
