"""Servers of the suite's own, since it kills them; one installation per test, watched from inside the database."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from local_stack.servers import Servers
from support.faults.scene import Scene, open_scene
from support.faults.servers import expendable_servers
from support.installation import Installation, build_template, new_installation

TEMPLATE = "template_faults"


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with expendable_servers(tmp_path_factory.mktemp("faults").resolve()) as running:
        yield running


@pytest.fixture(scope="session")
def template_database(servers: Servers) -> str:
    build_template(servers, TEMPLATE)
    asyncio.run(_keep_what_is_committed(servers))
    return TEMPLATE


async def _keep_what_is_committed(servers: Servers) -> None:
    """A server that is killed may forget the commits of servers that skip the wait for their log."""
    cluster = await asyncpg.connect(servers.postgres.address.url("postgres"))
    try:
        await cluster.execute("ALTER ROLE ALL SET synchronous_commit = on")
    finally:
        await cluster.close()


@pytest.fixture
def installation(servers: Servers, template_database: str) -> Iterator[Installation]:
    """The servers are up again, whatever the test before has done to them."""
    for server in servers.all:
        server.start()
    with new_installation(servers, template_database) as fresh:
        yield fresh


@pytest.fixture
async def scene(installation: Installation, tmp_path: Path) -> AsyncIterator[Scene]:
    async with open_scene(installation, tmp_path) as opened:
        yield opened
