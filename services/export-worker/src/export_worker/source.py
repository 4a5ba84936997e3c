"""Reads the helpdesk: bounded sessions whose text output is pinned, so that the same plan gives the same bytes."""

import hashlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg
from pydantic import SecretStr

from ticket_export.database.connection import ACQUIRE_TIMEOUT_SECONDS, CONNECT_TIMEOUT_SECONDS, DATABASE_ERRORS, Pool
from ticket_export.views.literals import identifier
from ticket_export.views.profiles import CopyOptions

# Everything that decides the text of a value; frozen into the plan.
SESSION = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
}

# What a page may use; parallel plans and JIT only cost at this size (docs/architecture.md).
_RESOURCES = {
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "work_mem": "128MB",
    "default_transaction_read_only": "on",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "client_connection_check_interval": "5s",
}

# One statement must not hold a snapshot for longer; a page takes seconds.
LONGEST_STATEMENT_SECONDS = 3600.0
CANCEL_SECONDS = 10.0

# What decides how values are ordered and written: versions, and the clocks of the zone $1, month by month.
_FINGERPRINT = """
SELECT concat_ws('/', current_setting('server_version_num'), d.datcollversion,
       pg_collation_actual_version('pg_catalog."und-x-icu"'::regcollation),
       (SELECT md5(string_agg((month AT TIME ZONE $1)::text, ',' ORDER BY month))
        FROM generate_series(timestamptz '1970-01-01Z', timestamptz '2040-01-01Z', interval '1 month') month))
FROM pg_database d WHERE d.datname = current_database()
"""

Sink = Callable[[bytes], Coroutine[object, object, None]]


class SourceFailure(Exception):  # noqa: N818 - what the helpdesk's database did; SourceError is a verdict on it
    """The helpdesk's database refused or went away; the jobs database's errors are never wrapped so."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.state: str = getattr(error, "sqlstate", None) or ""


@dataclass(frozen=True, slots=True)
class Measure:
    """How many tickets and cells too long for a spreadsheet; the instants that cut their order into equal runs."""

    rows: int
    oversized: int
    cuts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Instant:
    """The live tables as they are at one instant, for as long as its transaction is held."""

    connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
    at: datetime

    async def measure(self, statement: str) -> Measure:
        """Run a compiled view's ``measure`` statement."""
        return await _measure(self.connection, statement)

    async def copy(self, statement: str, options: CopyOptions, sink: Sink) -> int:
        """Stream a statement's CSV into the sink, as ``Source.copy`` does."""
        return await _copy(self.connection, statement, options, sink)


class Source:
    """One worker's access to the helpdesk's database."""

    def __init__(self, pool: Pool, bookkeeping_schema: str) -> None:
        self._pool = pool
        self._identity = f"SELECT {identifier(bookkeeping_schema)}.source_identity()"
        self._signature = f"SELECT {identifier(bookkeeping_schema)}.signature()"
        self._assert_safe = f"SELECT {identifier(bookkeeping_schema)}.assert_safe($1)"

    @asynccontextmanager
    async def _connection(self) -> "AsyncIterator[asyncpg.pool.PoolConnectionProxy[asyncpg.Record]]":
        try:
            async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
                yield connection
        except DATABASE_ERRORS as error:
            raise SourceFailure(error) from error

    async def fingerprint(self, time_zone: str) -> str:
        """Return what must be the same for two workers to share a file in this time zone."""
        async with self._connection() as connection:
            return str(await connection.fetchval(_FINGERPRINT, time_zone))

    async def identity(self) -> str:
        """Return which server this is; a snapshot's transaction ids mean nothing on another."""
        async with self._connection() as connection:
            return str(await connection.fetchval(self._identity))

    async def signature(self, snapshot: str) -> str:
        """Return the schema's signature, after asserting that the snapshot's rows are all still kept."""
        async with self._connection() as connection:
            await connection.fetchval(self._assert_safe, snapshot)
            return str(await connection.fetchval(self._signature))

    async def measure(self, statement: str) -> Measure:
        """Run a compiled view's ``measure`` statement."""
        async with self._connection() as connection:
            return await _measure(connection, statement)

    async def cut_instant(self, statement: str) -> tuple[int, ...]:
        """Run a compiled view's ``cut_instant`` statement."""
        async with self._connection() as connection:
            return tuple(await connection.fetchval(statement, timeout=LONGEST_STATEMENT_SECONDS) or ())

    async def copy(self, statement: str, options: CopyOptions, sink: Sink) -> int:
        """Stream one page's CSV into the sink and return its number of rows.

        The page counts only once this has returned; an error of the sink cancels the statement.
        """
        async with self._connection() as connection:
            return await _copy(connection, statement, options, sink)

    @asynccontextmanager
    async def instant(self) -> AsyncIterator[Instant]:
        """Hold one snapshot of now, for reading live rows."""
        async with self._connection() as connection, connection.transaction(isolation="repeatable_read"):
            yield Instant(connection, await connection.fetchval("SELECT now()"))


async def _measure(connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", statement: str) -> Measure:
    row = await connection.fetchrow(statement, timeout=LONGEST_STATEMENT_SECONDS)
    if row is None:
        raise RuntimeError("an aggregate without GROUP BY returns one row")
    return Measure(row["rows"], row["oversized"], tuple(row["cuts"] or ()))


async def _copy(
    connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", statement: str, options: CopyOptions, sink: Sink
) -> int:
    status = await connection.copy_from_query(
        statement,
        output=sink,
        timeout=LONGEST_STATEMENT_SECONDS,
        format="csv",
        delimiter=options.delimiter,
        force_quote=options.force_quote,
        encoding="UTF8",
    )
    return int(status.removeprefix("COPY "))


@asynccontextmanager
async def open_source(url: SecretStr, *, bookkeeping_schema: str, connections: int) -> AsyncIterator[Source]:
    """Open the pool; no connection is made before it is needed, so that a worker starts without the source."""
    pool = asyncpg.create_pool(
        url.get_secret_value(),
        min_size=0,
        max_size=connections,
        timeout=CONNECT_TIMEOUT_SECONDS,
        command_timeout=CANCEL_SECONDS,
        server_settings={**SESSION, **_RESOURCES, "application_name": "export-worker"},
    )
    async with pool:
        yield Source(pool, bookkeeping_schema)


def session_fingerprint(fingerprint: str) -> str:
    """Return a short hash of the server's fingerprint and our session settings."""
    text = fingerprint + "|" + "|".join(f"{name}={value}" for name, value in sorted(SESSION.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
