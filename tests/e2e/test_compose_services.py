"""The compose file's own commands and environment make a whole export; only hosts, ports and binds are mapped."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from local_stack.servers import Servers, running_servers
from support.compose import ROOT, ComposeService, load_services, ours
from support.exports import digest_of
from support.oracle import expected_rows, parse_csv
from support.rest import client
from support.services import free_port

BIN = Path(sys.executable).parent
SERVICE_PORTS = {"export-api": ("PORT", "8000"), "export-worker": ("HEALTH_PORT", "8081"), "janitor": ("HEALTH_PORT", "8082")}  # fmt: skip


@pytest.fixture
def containers(tmp_path: Path) -> Iterator[Servers]:
    """Servers of this test's own: the compose file decides on database, bucket and the roles' passwords."""
    with running_servers(tmp_path / "servers", durable=False, bucket="another") as servers:
        yield servers


@dataclass
class Project:
    """The compose project without its containers."""

    servers: Servers
    directory: Path
    services: Mapping[str, ComposeService]
    ports: dict[str, str] = field(default_factory=dict)
    processes: list[tuple[str, asyncio.subprocess.Process]] = field(default_factory=list)

    def mapped(self, value: str) -> str:
        """Put the local stack's addresses where the compose network's stand."""
        store, postgres = self.servers.object_store.address, self.servers.postgres.address
        addresses = {
            "postgres:5432": f"{postgres.host}:{postgres.port}",
            "kafka:9092": self.servers.kafka.address.bootstrap,
            "http://s3:9000": store.endpoint,
            "http://127.0.0.1:9000": store.endpoint,
            "/tmp/": f"{self.directory}/",
        }
        if value == "0.0.0.0":
            return "127.0.0.1"
        for compose, local in addresses.items():
            value = value.replace(compose, local)
        return value

    def environment(self, service: ComposeService) -> dict[str, str]:
        given = {name: self.mapped(value) for name, value in service.environment.items()}
        container = {"PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "deploy" / "docker")}
        if service.name in SERVICE_PORTS:
            given[SERVICE_PORTS[service.name][0]] = self.ports[service.name]
        return {**container, **given}

    async def run(self, service: ComposeService, *command: str) -> str:
        """Run a command in the service's environment, as `docker compose run` and `exec` do; return what it says."""
        with (self.directory / f"{service.name}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(command or service.command),
                env=self.environment(service),
                cwd=self.directory,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
            output, _ = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0, (service.name, output.decode(), self.log(service.name))
        return output.decode()

    async def start(self, service: ComposeService) -> None:
        """Start a service and wait until its health check passes."""
        port = str(free_port())
        self.ports[service.name] = port
        with (self.directory / f"{service.name}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *service.command, env=self.environment(service), cwd=self.directory, stdout=log, stderr=log
            )
        self.processes.append((service.name, process))
        check = [part.replace(f":{SERVICE_PORTS[service.name][1]}/", f":{port}/") for part in service.health_command]
        async with asyncio.timeout(60):
            while not await self.healthy(service, check):
                assert process.returncode is None, self.log(service.name)

    async def healthy(self, service: ComposeService, check: list[str]) -> bool:
        probe = await asyncio.create_subprocess_exec(
            *check, env=self.environment(service), stderr=asyncio.subprocess.DEVNULL
        )
        return await probe.wait() == 0

    async def stop(self) -> None:
        """Stop everything as `docker compose stop` does; each must end by itself and well."""
        codes = {}
        for name, process in self.processes:
            if process.returncode is None:
                process.terminate()
            codes[name] = await asyncio.wait_for(process.wait(), 40)
        self.processes.clear()
        assert set(codes.values()) <= {0}, codes

    async def kill(self) -> None:
        for _, process in self.processes:
            if process.returncode is None:
                process.kill()
            await process.wait()

    def log(self, name: str) -> str:
        return (self.directory / f"{name}.log").read_text(encoding="utf-8")[-3000:]


@asynccontextmanager
async def composed(servers: Servers, directory: Path) -> AsyncIterator[Project]:
    """Bring the project up in the order that its dependencies ask for."""
    store, postgres = servers.object_store.address, servers.postgres.address
    services = load_services(
        {
            "POSTGRES_PASSWORD": postgres.password,
            "S3_ACCESS_KEY": store.access_key,
            "S3_SECRET_KEY": store.secret_key,
        }
    )
    await create_database(servers, services["postgres"].environment["POSTGRES_DB"])
    project = Project(servers, directory, services)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(project.kill)
        for service in ours(services):
            if service.one_shot:
                await project.run(service)
            else:
                await project.start(service)
        yield project


async def create_database(servers: Servers, name: str) -> None:
    """What the image of PostgreSQL does on its first start."""
    connection = await asyncpg.connect(servers.postgres.address.url("postgres"))
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()


async def metrics(url: str) -> str:
    async with aiohttp.ClientSession() as http, http.get(f"{url}/metrics") as answer:
        return await answer.text()


async def test_a_whole_export_with_the_compose_files_own_commands(containers: Servers, tmp_path: Path) -> None:
    async with composed(containers, tmp_path) as project:
        await project.start(project.services["export-worker"])
        url = f"http://127.0.0.1:{project.ports['export-api']}"
        token = await project.run(project.services["export-api"], "python", "-m", "export_api.demo_token", "ada")
        async with client(url, token.strip()) as rest:
            job = await rest.ended((await rest.request_export("all"))["id"])
            assert job["status"] == "completed", job["error"]
            content = await rest.download(job["id"])
        assert job["file"]["digest"] == digest_of(content, job["parts"])
        await assert_exact(containers, job, content)
        assert 'janitor_runs_total{outcome="ok"} 1.0' in await metrics(f"http://127.0.0.1:{project.ports['janitor']}")
        # `docker compose up` again runs them again.
        for service in (service for service in ours(project.services) if service.one_shot):
            await project.run(service)
        await project.stop()


async def assert_exact(servers: Servers, job: dict[str, object], content: bytes) -> None:
    connection = await asyncpg.connect(
        servers.postgres.address.url("ticket_export"), server_settings={"search_path": "exports, helpdesk"}
    )
    requested_at = datetime.fromisoformat(str(job["requested_at"]))
    try:
        cells = await expected_rows(connection, snapshot=str(job["snapshot"]), requested_at=requested_at, scope="all")
    finally:
        await connection.close()
    assert len(cells) == 891
    assert parse_csv(content) == cells
