"""One installer at work on the source: connected to the primary, alone, and never waiting long for a table's lock.

The host's own statements queue behind a wait for a lock, so it is given up after a second and tried again later.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
from pydantic import SecretStr

from export_ops.errors import DisabledError, InstallError, LockedOutError
from export_ops.source.generate import Schemas, bookkeeping, bookkeeping_mark, trigger_functions
from ticket_export.views.literals import identifier, text

Report = Callable[[str], None]

_CONNECT_SECONDS = 10.0
# Taken by try, never by waiting: a waiting session's snapshot would hold up CREATE INDEX CONCURRENTLY of the other.
_TRY_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('ticket-export source ' || $1, 0))"
_SCHEMA_MARK = "SELECT obj_description(to_regnamespace($1), 'pg_namespace')"
# Also on a table of an older release, which lacks the column.
_DISABLED = "SELECT EXISTS (SELECT FROM {installs} i WHERE to_jsonb(i) ->> 'disabled_at' IS NOT NULL)"


@dataclass(frozen=True, slots=True)
class LockPolicy:
    """How long one attempt may queue for a lock, how often it is made, and how long the host gets in between."""

    timeout_seconds: float = 1.0
    attempts: int = 60
    pause_seconds: float = 0.5


PATIENT = LockPolicy()


def silent(_line: str) -> None:
    """Report to nobody."""


@dataclass(frozen=True, slots=True)
class Session:
    """A connection that holds the installers' lock."""

    connection: asyncpg.Connection
    schemas: Schemas
    policy: LockPolicy
    report: Report

    async def in_transaction(self, what: str, sql: str) -> None:
        """Run statements in one transaction, again and again until their locks can be had.

        Raises LockedOutError, which names ``what``.
        """

        async def attempt() -> bool:
            async with self.connection.transaction():
                await self.connection.execute(f"SET LOCAL lock_timeout = {round(self.policy.timeout_seconds * 1000)}")
                await self.connection.execute(sql)
            return True

        await _retrying(self.policy, what, attempt)

    async def is_disabled(self) -> bool:
        """Tell whether an operator has switched versioning off."""
        installs = self.schemas.ours("installs")
        if await self.connection.fetchval("SELECT to_regclass($1) IS NULL", installs):
            return False
        return bool(await self.connection.fetchval(_DISABLED.format(installs=installs)))

    async def require_enabled(self) -> None:
        """Raise InstallError while versioning is switched off."""
        if await self.is_disabled():
            raise DisabledError("Versioning is disabled; `ticket-export source enable` switches it on again")

    async def install_bookkeeping(self, *, again: bool = False) -> None:
        """Create or renew what is not per table, where it differs from this release's or ``again``."""
        schema = identifier(self.schemas.bookkeeping)
        mark = bookkeeping_mark(self.schemas)
        # Looked up first: CREATE … IF NOT EXISTS asks for the right to create even when there is nothing to do.
        if not await self.connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", schema):
            await self.connection.execute(f"CREATE SCHEMA {schema}")
        # It needs locks that every statement of an export holds to its end.
        if again or await self.connection.fetchval(_SCHEMA_MARK, schema) != mark:
            sql = f"{bookkeeping(self.schemas)}\n;COMMENT ON SCHEMA {schema} IS {text(mark)}"
            await self.in_transaction(self.schemas.bookkeeping, sql)
        await self.connection.execute(trigger_functions(self.schemas))


@asynccontextmanager
async def installing(
    url: SecretStr, schemas: Schemas, policy: LockPolicy = PATIENT, report: Report = silent
) -> AsyncIterator[Session]:
    """Work on the source; errors of PostgreSQL and of the network become InstallError.

    Raises LockedOutError when another installer stays at work.
    """
    async with _connected(url) as connection:
        await _alone(connection, schemas, policy)
        yield Session(connection, schemas, policy, report)


@asynccontextmanager
async def _connected(url: SecretStr) -> AsyncIterator[asyncpg.Connection]:
    try:
        connection = await asyncpg.connect(
            url.get_secret_value(),
            timeout=_CONNECT_SECONDS,
            server_settings={"application_name": "ticket-export source", "search_path": "pg_catalog"},
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


async def _alone(connection: asyncpg.Connection, schemas: Schemas, policy: LockPolicy) -> None:
    async def attempt() -> bool:
        return bool(await connection.fetchval(_TRY_LOCK, schemas.bookkeeping))

    await _retrying(policy, "Another installation is running; the schema", attempt)


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
