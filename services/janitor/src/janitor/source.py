"""The helpdesk's database as the janitor sees it: markers, horizon and histories, never a ticket.

Reads and writes as role source_pruner. Whatever the source does not do becomes SourceError: exports expire and files
are deleted all the same.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from janitor import queries
from janitor.errors import SourceError
from ticket_export.database.connection import ACQUIRE_TIMEOUT_SECONDS, DATABASE_ERRORS, Connection, Pool
from ticket_export.views.literals import identifier


@dataclass(frozen=True, slots=True)
class Marker:
    """A snapshot of the past: every transaction before ``xmin`` was done at that time."""

    id: int
    xmin: int


@dataclass(frozen=True, slots=True)
class Source:
    """One helpdesk and what versioning keeps about it."""

    pool: Pool
    schema: str
    bookkeeping_schema: str

    def _sql(self, statement: str) -> str:
        return statement.replace("{bookkeeping}", identifier(self.bookkeeping_schema))

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        try:
            async with self.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
                yield connection
        except DATABASE_ERRORS as error:
            raise SourceError(f"{type(error).__name__}: {error}") from error

    async def is_versioned(self) -> bool:
        """Tell whether there is any history to look after."""
        async with self._connection() as connection:
            return bool(
                await connection.fetchval(queries.IS_VERSIONED, f"{identifier(self.bookkeeping_schema)}.installs")
            )

    async def confirm_identity(self) -> None:
        """Raise SourceError when the stored transaction ids are another cluster's: none of them could be judged."""
        async with self._connection() as connection:
            await connection.execute(self._sql(queries.CONFIRM_IDENTITY))

    async def store_marker(self, apart_seconds: float) -> None:
        """Record a snapshot of now, unless there is one that is younger than this."""
        async with self._connection() as connection:
            await connection.execute(self._sql(queries.STORE_MARKER), apart_seconds)

    async def settled_marker(self, age_seconds: float) -> Marker | None:
        """Return the newest marker that was recorded at least this long ago."""
        async with self._connection() as connection:
            row = await connection.fetchrow(self._sql(queries.SETTLED_MARKER), age_seconds)
        return Marker(row["id"], int(row["xmin"])) if row else None

    async def forget_markers(self, marker: Marker) -> None:
        """Delete the markers before this one."""
        async with self._connection() as connection:
            await connection.execute(self._sql(queries.FORGET_MARKERS), marker.id)

    async def histories(self) -> list[str]:
        """Return the history tables, by name."""
        async with self._connection() as connection:
            rows = await connection.fetch(self._sql(queries.HISTORIES), self.schema)
        return [row["name"] for row in rows]

    async def prune(self, history: str, horizon: int, rows: int) -> int:
        """Delete up to this many rows that ended before the horizon and move it there, in one statement."""
        name = f"{identifier(self.schema)}.{identifier(history)}"
        async with self._connection() as connection:
            statement = self._sql(queries.PRUNE_HISTORY).replace("{history}", name)
            return int(await connection.fetchval(statement, str(horizon), rows))
