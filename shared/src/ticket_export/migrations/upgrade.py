"""Bring a database to the newest revision: one transaction, one migrator at a time, nothing half done.

Alembic's ``env.py`` and ``op`` are left out on purpose: both are globals of the process, and two upgrades in one
process would meet there.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg
from alembic.runtime.migration import MigrationContext, MigrationInfo, MigrationStep, RevisionStep
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from pydantic import SecretStr
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from ticket_export.migrations.raw import Target
from ticket_export.migrations.roles import MigrationError, ensure_roles

_SCRIPTS = Path(__file__).parent
_CONNECT_SECONDS = 10.0


async def migrate(admin_url: str, *, schema: str, role_passwords: Mapping[str, SecretStr]) -> list[str]:
    """Create the roles and bring ``schema`` to the newest revision; return the revisions applied, oldest first.

    A role with a password in ``role_passwords`` (by role name) may log in afterwards; the others stay as they are.
    Raises MigrationError, of which RoleError is one; then the schema is as it was.
    """
    try:
        await _create_roles(admin_url, role_passwords)
        return await _upgrade_schema(admin_url, schema)
    except DBAPIError as error:
        reason = error.orig.__cause__ if error.orig else None
        raise MigrationError(str(reason or "the database refused")) from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise MigrationError(str(error)) from error
    except RevisionError as error:
        raise MigrationError(f"{schema} is at a revision that this release doesn't know: {error}") from error


async def _create_roles(admin_url: str, passwords: Mapping[str, SecretStr]) -> None:
    connection = await asyncpg.connect(admin_url, timeout=_CONNECT_SECONDS)
    try:
        await ensure_roles(connection, passwords)
    finally:
        await connection.close()


async def _upgrade_schema(admin_url: str, schema: str) -> list[str]:
    # asyncpg reads the address itself: SQLAlchemy's own parser does not know sslmode and its kin.
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: asyncpg.connect(admin_url, timeout=_CONNECT_SECONDS),
        poolclass=NullPool,
    )
    try:
        async with engine.begin() as transaction:
            return await transaction.run_sync(_upgrade, schema)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, schema: str) -> list[str]:
    target = Target(connection, connection.dialect.identifier_preparer.quote_identifier(schema))
    connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": advisory_lock_id(schema)})
    _enter_schema(target, schema)
    applied: list[str] = []

    def on_version_apply(*, step: MigrationInfo, **_: Any) -> None:
        applied.extend(step.up_revision_ids)

    context = MigrationContext.configure(
        connection,
        opts={"fn": _steps_to_head, "version_table_schema": schema, "on_version_apply": [on_version_apply]},
    )
    context.run_migrations(target=target)
    return applied


def _enter_schema(target: Target, schema: str) -> None:
    # Looked up first: CREATE … IF NOT EXISTS asks for the right to create even when there is nothing to do.
    exists = text("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = :name)")
    if not target.connection.scalar(exists, {"name": schema}):
        target.connection.execute(text(f"CREATE SCHEMA {target.quoted_schema}"))
    target.connection.execute(text(f"SET LOCAL search_path = {target.quoted_schema}, pg_temp"))


def _steps_to_head(current: tuple[str, ...], _context: MigrationContext) -> list[RevisionStep]:
    scripts = ScriptDirectory(_SCRIPTS)
    newest_first = scripts.iterate_revisions("head", current or "base")
    return [MigrationStep.upgrade_from_script(scripts.revision_map, script) for script in reversed([*newest_first])]


def advisory_lock_id(schema: str) -> int:
    """The lock that migrators of one schema queue on, a signed 64-bit number."""
    digest = hashlib.sha256(f"ticket-export migrations {schema}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
