"""Databases without the bucket and the topics that ``installation`` brings; PostgreSQL alone is what is tested here."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from local_stack.demo.helpdesk import prepare_helpdesk
from local_stack.servers import Servers
from support.installation import Installation


@asynccontextmanager
async def new_database(servers: Servers, template: str) -> AsyncIterator[Installation]:
    database = Installation(servers, f"d_{secrets.token_hex(4)}", bucket="", topic_prefix="")
    cluster = await asyncpg.connect(servers.postgres.address.url("postgres"))
    try:
        await cluster.execute(f"CREATE DATABASE {database.database} TEMPLATE {template}")
        yield database
        await cluster.execute(f"DROP DATABASE {database.database} WITH (FORCE)")
    finally:
        await cluster.close()


@pytest.fixture
async def database(servers: Servers, template_database: str) -> AsyncIterator[Installation]:
    """Both schemas migrated, the demo's tickets versioned."""
    async with new_database(servers, template_database) as cloned:
        yield cloned


@pytest.fixture
async def empty_database(servers: Servers, template_database: str) -> AsyncIterator[Installation]:
    """Nothing in it; the roles exist, since they belong to the cluster."""
    async with new_database(servers, "template0") as empty:
        yield empty


@pytest.fixture(scope="session")
def helpdesk_template(servers: Servers, template_database: str) -> str:
    """The demo's helpdesk, not versioned, to be cloned."""
    template = Installation(servers, "template_helpdesk", bucket="", topic_prefix="")
    asyncio.run(build_helpdesk(template))
    return template.database


async def build_helpdesk(template: Installation) -> None:
    cluster = await asyncpg.connect(template.servers.postgres.address.url("postgres"))
    await cluster.execute(f"CREATE DATABASE {template.database}")
    await cluster.close()
    await prepare_helpdesk(admin_url=template.admin_url, helpdesk_url=template.helpdesk_url, schema="helpdesk")


@pytest.fixture
async def helpdesk(servers: Servers, helpdesk_template: str) -> AsyncIterator[Installation]:
    """The demo's helpdesk, not versioned."""
    async with new_database(servers, helpdesk_template) as cloned:
        # Rights on a database are not cloned with it.
        owner = await cloned.connect()
        await owner.execute(f"GRANT CREATE ON DATABASE {cloned.database} TO ticket_export_installer")
        await owner.close()
        yield cloned
