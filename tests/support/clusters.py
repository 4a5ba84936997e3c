"""A PostgreSQL server of the test's own, which may be promoted, set back and restored from."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from local_stack.downloads.postgres import postgres_files
from local_stack.ports import PortBook
from local_stack.servers import Servers
from local_stack.servers.postgres import Postgres
from local_stack.steps import Silent
from support.installation import Installation, build_template

DATABASE = "helpdesk"


@dataclass(frozen=True)
class Cluster:
    """A server with both schemas and the demo's versioned tickets in the database ``helpdesk``."""

    postgres: Postgres
    source: Installation

    async def become_standby(self) -> None:
        """Restart as a standby that waits for a primary's log; what the crash has left is replayed."""
        owner = await self.source.connect()
        # The server commits without waiting for its log to be written.
        await owner.execute("SELECT pg_logical_emit_message(false, 'test', '', true)")
        await owner.close()
        await asyncio.to_thread(self._restart, "standby.signal")

    async def promote(self) -> None:
        """Begin a new timeline, as a failover does."""
        await self.become_standby()
        connection = await self.source.connect()
        await connection.execute("SELECT pg_promote()")
        await connection.close()

    async def copy_disk(self, to: Path) -> None:
        """Keep a copy of the stopped server's files."""
        await asyncio.to_thread(self.postgres.stop)
        await asyncio.to_thread(shutil.copytree, self.postgres.data, to, dirs_exist_ok=True)
        await asyncio.to_thread(self.postgres.start)

    async def set_disk_back(self, copy: Path) -> None:
        """Put the copy in the place of the files: the server is what it was, and knows of nothing since."""
        await asyncio.to_thread(self.postgres.stop)
        shutil.copytree(copy, self.postgres.data, dirs_exist_ok=True)
        await asyncio.to_thread(self.postgres.start)

    def _restart(self, signal_file: str) -> None:
        self.postgres.kill()
        (self.postgres.data / signal_file).touch()
        self.postgres.start()


@contextmanager
def another_cluster(servers: Servers, directory: Path) -> Iterator[Cluster]:
    """Start a server beside the stack's and stop it in the end."""
    (directory / "logs").mkdir(parents=True)
    password = servers.credentials.postgres_password
    files = postgres_files(Silent())
    postgres = Postgres(directory, PortBook(directory), durable=False, files=files, password=password)
    postgres.start()
    try:
        beside = replace(servers, postgres=postgres)
        build_template(beside, DATABASE)
        yield Cluster(postgres, Installation(beside, DATABASE, bucket="", topic_prefix=""))
    finally:
        postgres.close()
        postgres.delete_data()
