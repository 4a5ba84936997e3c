"""Pools whose failures have a name: whatever an unreachable database raises becomes DatabaseUnavailableError.

No connection is held while waiting for anything but the database.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import asyncpg

from export_api.errors import DatabaseUnavailableError
from ticket_export.database.connection import ACQUIRE_TIMEOUT_SECONDS, Connection, Pool

UNREACHABLE = (
    OSError,  # refused, reset, unknown host, and TimeoutError
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutting down, starting up
    asyncpg.InsufficientResourcesError,  # too many connections
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InterfaceError,  # the connection went away under a statement
)


class Database:
    """One PostgreSQL database as this service uses it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection; raise DatabaseUnavailableError when there is none in time or it breaks."""
        try:
            async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
                yield connection
        except asyncpg.DataError:  # an InterfaceError too, but about a value
            raise
        except UNREACHABLE as error:
            raise DatabaseUnavailableError from error

    @asynccontextmanager
    async def transaction(
        self, isolation: Literal["read_committed", "repeatable_read"] = "read_committed"
    ) -> AsyncIterator[Connection]:
        """Lend a connection inside one transaction; it is rolled back when the block raises."""
        async with self.connection() as connection, connection.transaction(isolation=isolation):
            yield connection
