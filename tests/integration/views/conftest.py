"""One installation for all statements that only read, and the worker's own sessions on it."""

from collections.abc import AsyncIterator, Iterator

import pytest
from pydantic import SecretStr

from export_worker.source import Source, open_source
from integration.views.reading import Connection
from local_stack.servers import Servers
from support.installation import Installation, new_installation


@pytest.fixture(scope="module")
def desk(servers: Servers, template_database: str) -> Iterator[Installation]:
    """A helpdesk that the tests of one module share."""
    with new_installation(servers, template_database) as fresh:
        yield fresh


@pytest.fixture
async def owner(desk: Installation) -> AsyncIterator[Connection]:
    """A session of the database's owner."""
    connection = await desk.connect()
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
async def source(desk: Installation) -> AsyncIterator[Source]:
    """The worker's own way to the source: its role, its session settings."""
    url = SecretStr(desk.source_reader_url)
    async with open_source(url, bookkeeping_schema="export_source", connections=2) as opened:
        yield opened
