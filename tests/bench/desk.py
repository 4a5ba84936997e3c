"""A PostgreSQL of the benchmark's own, gone when it ends, with as many helpdesks in it as are asked for."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from pydantic import SecretStr

from export_ops.source.generate import Schemas
from export_ops.source.installer import install
from export_worker.source import _RESOURCES, SESSION
from local_stack.credentials import load_credentials
from local_stack.demo import prepare_helpdesk
from local_stack.downloads.postgres import postgres_files
from local_stack.locks import owned
from local_stack.ports import PortBook
from local_stack.seed import seed_tickets
from local_stack.servers import PostgresAddress
from local_stack.servers.postgres import Postgres
from local_stack.steps import Steps
from ticket_export.migrations import migrate, roles

HELPDESK = "helpdesk"
BOOKKEEPING = "export_source"
PASSWORD = "bench"


@dataclass(frozen=True, slots=True)
class Desk:
    """One helpdesk in a database of its own."""

    address: PostgresAddress
    database: str

    @property
    def url(self) -> str:
        """The superuser's address."""
        return self.address.url(self.database)

    def url_of(self, role: str) -> str:
        """The address of another role."""
        return self.address.url(self.database, user=role, password=PASSWORD)

    async def owner(self) -> "asyncpg.Connection[asyncpg.Record]":
        """Connect as the superuser."""
        return await asyncpg.connect(self.url, server_settings={"search_path": HELPDESK})

    async def reader(self) -> "asyncpg.Connection[asyncpg.Record]":
        """Connect as a worker does."""
        return await asyncpg.connect(self.url_of(roles.SOURCE_READER), server_settings={**SESSION, **_RESOURCES})


@contextmanager
def running_postgres(steps: Steps) -> Iterator[PostgresAddress]:
    """Run PostgreSQL without fsync in a temporary directory for as long as the block runs."""
    with tempfile.TemporaryDirectory(prefix="ticket-export-bench-") as place, owned(directory := Path(place)):
        credentials = load_credentials(directory)
        files = postgres_files(steps)
        password = credentials.postgres_password
        server = Postgres(directory, PortBook(directory), durable=False, files=files, password=password)
        try:
            server.start()
            yield server.address
        finally:
            server.close()


async def new_desk(address: PostgresAddress, database: str, *, tickets: int, versioned: bool, steps: Steps) -> Desk:
    """Make a helpdesk with so many synthetic tickets, with versioning or without."""
    desk = Desk(address, database)
    await _execute(address.url("postgres"), f'CREATE DATABASE "{database}"')
    logins = (roles.APP, roles.RETENTION, roles.SOURCE_READER, roles.SOURCE_PRUNER, roles.INSTALLER)
    await migrate(desk.url, schema="exports", role_passwords={role: SecretStr(PASSWORD) for role in logins})
    await prepare_helpdesk(admin_url=desk.url, helpdesk_url=desk.url_of(HELPDESK), schema=HELPDESK)
    if versioned:
        await install(SecretStr(desk.url_of(roles.INSTALLER)), Schemas(HELPDESK, BOOKKEEPING))
    await seed_tickets(desk.url, schema=HELPDESK, tickets=tickets, steps=steps)
    with steps.step("vacuuming"):
        await _execute(desk.url, "VACUUM (ANALYZE)")
    return desk


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
