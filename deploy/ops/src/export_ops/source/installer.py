"""Versions every table of the contract that lacks it: one short transaction per table, indexes apart.

Running it again changes nothing. Stopped anywhere, it goes on where it was. Nothing here waits for a table's lock
longer than the policy says, because the host's own statements queue behind that wait.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
from pydantic import SecretStr

from export_ops.errors import InstallError, LockedOutError
from export_ops.source import catalog
from export_ops.source.generate import (
    Index,
    Schemas,
    bookkeeping,
    history_indexes,
    live_indexes,
    prepare_history,
    version_table,
)
from ticket_export.source_contract import CONTRACT, SourceTable
from ticket_export.views.literals import identifier

_CONNECT_SECONDS = 10.0
# Taken by try, never by waiting: a waiting session's snapshot would hold up CREATE INDEX CONCURRENTLY of the other.
_TRY_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('ticket-export source ' || $1, 0))"


@dataclass(frozen=True, slots=True)
class LockPolicy:
    """How long one attempt may queue for a lock, how often it is made, and how long the host gets in between."""

    timeout_seconds: float = 1.0
    attempts: int = 60
    pause_seconds: float = 0.5


async def install(
    url: SecretStr,
    schemas: Schemas,
    *,
    tables: Sequence[SourceTable] = CONTRACT,
    policy: LockPolicy = LockPolicy(),
    report: Callable[[str], None] = lambda _: None,
) -> list[str]:
    """Version the tables that are not versioned yet and return their names; ``report`` hears of each step.

    Raises InstallError, before any table is changed, when a table is missing or not as the contract says; afterwards
    when one that was versioned before cannot be trusted any more. Raises LockedOutError when a lock cannot be had.
    """
    async with _connection(url) as connection:
        await _alone(connection, schemas, policy)
        await _install_bookkeeping(connection, schemas)
        states = await catalog.read_states(connection, schemas, tables)
        if problems := catalog.obstacles(tables, states):
            raise InstallError(f"Tables of {schemas.source} cannot be versioned:\n  " + "\n  ".join(problems))
        new = [table for table in tables if states[table.name].installed_columns is None]
        for table in new:
            await _install_table(connection, schemas, table, policy)
            report(f"{table.name}: versioned")
        for table in tables:
            await _ensure_indexes(connection, schemas, table, policy, report)
        if broken := await catalog.broken_tables(connection, schemas):
            raise InstallError("Versioning cannot be trusted any more:\n  " + "\n  ".join(broken))
    return [table.name for table in new]


@asynccontextmanager
async def _connection(url: SecretStr) -> AsyncIterator[asyncpg.Connection]:
    """Connect to the primary; errors of PostgreSQL and of the network become InstallError."""
    try:
        connection = await asyncpg.connect(
            url.get_secret_value(),
            timeout=_CONNECT_SECONDS,
            server_settings={"application_name": "ticket-export source install", "search_path": "pg_catalog"},
        )
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise InstallError(f"INSTALLER_DATABASE_URL: cannot connect: {error}") from error
    try:
        if await connection.fetchval("SELECT pg_is_in_recovery()"):
            raise InstallError("INSTALLER_DATABASE_URL: this server is a standby; versioning belongs on the primary")
        yield connection
    except asyncpg.PostgresError as error:
        raise InstallError(f"The source refused: {error}") from error
    except (OSError, asyncpg.InterfaceError) as error:
        raise InstallError(f"The connection to the source was lost: {error}; run the command again") from error
    finally:
        await connection.close()


async def _retrying(policy: LockPolicy, what: str, attempt: Callable[[], Awaitable[bool]]) -> None:
    for number in range(policy.attempts):
        if number:
            await asyncio.sleep(policy.pause_seconds)
        try:
            if await attempt():
                return
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            continue
    raise LockedOutError(f"{what} stayed locked through {policy.attempts} attempts; run the command again later")


async def _in_transaction(connection: asyncpg.Connection, sql: str, policy: LockPolicy) -> bool:
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = {round(policy.timeout_seconds * 1000)}")
        await connection.execute(sql)
    return True


async def _alone(connection: asyncpg.Connection, schemas: Schemas, policy: LockPolicy) -> None:
    async def attempt() -> bool:
        return bool(await connection.fetchval(_TRY_LOCK, schemas.bookkeeping))

    await _retrying(policy, "Another installation is running; the schema", attempt)


async def _install_bookkeeping(connection: asyncpg.Connection, schemas: Schemas) -> None:
    async with connection.transaction():
        # Looked up first: CREATE … IF NOT EXISTS asks for the right to create even when there is nothing to do.
        if not await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", identifier(schemas.bookkeeping)):
            await connection.execute(f"CREATE SCHEMA {identifier(schemas.bookkeeping)}")
        await connection.execute(bookkeeping(schemas))


async def _install_table(
    connection: asyncpg.Connection, schemas: Schemas, table: SourceTable, policy: LockPolicy
) -> None:
    # The live table's exclusive lock comes last and is held for its own statements only.
    sql = prepare_history(schemas, table) + version_table(schemas, table)
    await _retrying(policy, f"{table.name}", lambda: _in_transaction(connection, sql, policy))


async def _ensure_indexes(
    connection: asyncpg.Connection,
    schemas: Schemas,
    table: SourceTable,
    policy: LockPolicy,
    report: Callable[[str], None],
) -> None:
    for index in (*history_indexes(table), *live_indexes(table)):
        if await catalog.has_index(connection, schemas.source, index.relation, index.columns):
            continue
        report(f"{index.relation}: building an index on {', '.join(index.columns)}")
        parts = await catalog.leaves(connection, schemas.source, index.relation)
        for schema, relation in parts:
            await _build_concurrently(connection, schema, Index(relation, index.columns))
        if parts != [(schemas.source, index.relation)]:
            await _attach_to_parent(connection, schemas, index, policy)


async def _build_concurrently(connection: asyncpg.Connection, schema: str, index: Index) -> None:
    if await catalog.has_index(connection, schema, index.relation, index.columns):
        return
    if await catalog.is_unfinished(connection, schema, index.name):
        await connection.execute(f"DROP INDEX CONCURRENTLY {identifier(schema)}.{identifier(index.name)}")
    await connection.execute(index.create(schema, concurrently=True))


async def _attach_to_parent(connection: asyncpg.Connection, schemas: Schemas, index: Index, policy: LockPolicy) -> None:
    # Quick, though not concurrent: every partition has its part by now.
    sql = index.create(schemas.source, concurrently=False)
    await _retrying(policy, index.relation, lambda: _in_transaction(connection, sql, policy))
