"""The services as their console scripts start them: processes of their own, with nothing but an environment."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from export_api.auth.demo_key import load_or_create
from export_api.auth.demo_signer import DemoSigner
from support.installation import Installation

BIN = Path(sys.executable).parent
ISSUER, AUDIENCE = "ticket-export-demo", "ticket-export"
# Short leases, so that a test that kills a worker does not wait for the real ones.
SHORT_LEASES = {"LEASE_SECONDS": "3", "LEASE_RENEWAL_SECONDS": "0.4", "LEASE_MARGIN_SECONDS": "0.4"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Service:
    """A running process and where it answers."""

    name: str
    process: asyncio.subprocess.Process
    url: str
    log: Path

    async def stop(self, seconds: float = 40) -> int:
        """Ask it to end, as Kubernetes would; return its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), seconds)

    async def kill(self) -> None:
        """End it without a word."""
        self.process.kill()
        await self.process.wait()


async def start(command: Sequence[str], env: Mapping[str, str], *, port: int, log: Path) -> Service:
    """Start a console script and wait until it says that it is ready."""
    inherited = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}}
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            BIN / command[0], *command[1:], env={**inherited, **env}, stdout=output, stderr=output
        )
    service = Service(command[0], process, f"http://127.0.0.1:{port}", log)
    try:
        async with asyncio.timeout(40):
            await _ready(service)
    except (TimeoutError, AssertionError):
        await _reap(service)
        raise
    return service


async def _ready(service: Service) -> None:
    async with aiohttp.ClientSession() as http:
        while True:
            assert service.process.returncode is None, service.log.read_text()[-3000:]
            try:
                async with http.get(f"{service.url}/readyz") as answer:
                    if answer.status < 300:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)


async def _reap(service: Service) -> None:
    if service.process.returncode is None:
        service.process.kill()
        await service.process.wait()


class Fleet:
    """The services of one installation; whatever still runs at the end is stopped."""

    def __init__(self, installation: Installation, directory: Path, stack: AsyncExitStack) -> None:
        self.installation = installation
        self._directory = directory
        self._stack = stack
        self._number = 0

    async def api(self, **more: str) -> Service:
        """Start an export-api in demo mode."""
        port = free_port()
        env = {
            **self.installation.env,
            "PORT": str(port),
            "AUTH_MODE": "demo",
            "DEMO_SIGNING_KEY_FILE": str(self._directory / "demo-key.json"),
            **more,
        }
        return await self._start(["export-api"], env, port)

    async def worker(self, **more: str) -> Service:
        """Start an export-worker with short leases."""
        port = free_port()
        env = {**self.installation.env, **SHORT_LEASES, "HEALTH_PORT": str(port), **more}
        return await self._start(["export-worker"], env, port)

    def token(self, username: str) -> str:
        """A bearer token for a demo person."""
        key = load_or_create(self._directory / "demo-key.json")
        return DemoSigner(key, ISSUER, AUDIENCE).token(username)

    async def _start(self, command: Sequence[str], env: Mapping[str, str], port: int) -> Service:
        self._number += 1
        log = self._directory / f"{command[0]}-{self._number}.log"
        service = await start(command, env, port=port, log=log)
        self._stack.push_async_callback(_reap, service)
        return service


@asynccontextmanager
async def fleet(installation: Installation, directory: Path) -> AsyncIterator[Fleet]:
    """Start services on demand; end them all on the way out."""
    async with AsyncExitStack() as stack:
        yield Fleet(installation, directory, stack)
