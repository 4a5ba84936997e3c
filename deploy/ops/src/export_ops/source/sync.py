"""``ticket-export source sync`` and ``enable``: bring versioning to what this release and the host's tables need now.

A table that cannot be trusted begins anew: its history is emptied and every snapshot from before is refused. So it is
after a gap, too, however it came about.
"""

from collections.abc import Sequence

import asyncpg
from pydantic import SecretStr

from export_ops.errors import InstallError
from export_ops.source import catalog
from export_ops.source.generate import Schemas, grant_reading, remove_versioning, renew_versioning
from export_ops.source.indexes import ensure_indexes
from export_ops.source.session import PATIENT, LockPolicy, Report, Session, installing, silent
from ticket_export.source_contract import CONTRACT, SourceFault, SourceTable


async def sync(
    url: SecretStr,
    schemas: Schemas,
    *,
    tables: Sequence[SourceTable] = CONTRACT,
    policy: LockPolicy = PATIENT,
    report: Report = silent,
) -> list[str]:
    """Version what is new, mend what is broken, leave off what the contract has no more; return what was changed.

    Raises InstallError, after all the rest is done, for what only the host can mend, and while versioning is disabled.
    Raises LockedOutError when a lock cannot be had.
    """
    async with installing(url, schemas, policy, report) as session:
        await session.require_enabled()
        await session.install_bookkeeping(again=True)
        return await _bring_up_to_date(session, tables)


async def enable(
    url: SecretStr,
    schemas: Schemas,
    *,
    tables: Sequence[SourceTable] = CONTRACT,
    policy: LockPolicy = PATIENT,
    report: Report = silent,
) -> list[str]:
    """Version again what was disabled; every snapshot from before is refused. Returns the tables' names, raises as sync."""
    async with installing(url, schemas, policy, report) as session:
        await session.install_bookkeeping()
        return await _bring_up_to_date(session, tables)


async def _bring_up_to_date(session: Session, tables: Sequence[SourceTable]) -> list[str]:
    connection, schemas = session.connection, session.schemas
    states = await catalog.read_states(connection, schemas, tables)
    hopeless = catalog.unmendable(tables, states)
    faults = await catalog.faults(connection, schemas)
    changed = await _leave_off(session, tables)
    for table in tables:
        if table.name in hopeless:
            continue
        state = states[table.name]
        if (reason := _reason(table, state, faults)) is not None:
            await session.in_transaction(table.name, renew_versioning(schemas, table))
            session.report(f"{table.name}: {reason}")
            changed.append(table.name)
        await connection.execute(grant_reading(schemas, table))
        await ensure_indexes(session, table)
    problems = [*hopeless.values(), *await _foreign_ids(session)]
    if problems:
        raise InstallError("These are left, for you to mend:\n  " + "\n  ".join(problems))
    return changed


def _reason(table: SourceTable, state: catalog.TableState, faults: dict[str, list[str]]) -> str | None:
    """Why a table has to begin anew; None when it need not."""
    if state.installed_columns is None:
        return "versioned"
    if found := faults.get(table.name):
        return f"versioned anew, because {'; '.join(found)}"
    return None if state.installed_columns == table.column_names else "versioned anew, with other columns"


async def _leave_off(session: Session, tables: Sequence[SourceTable]) -> list[str]:
    """Take versioning off tables that the contract no longer has: their triggers would cost the host for nothing."""
    known = {table.name for table in tables}
    names = [name for name in await catalog.installed(session.connection, session.schemas) if name not in known]
    for name in names:
        await session.in_transaction(name, remove_versioning(session.schemas, SourceTable(name, (), ())))
        session.report(f"{name}: no longer versioned")
    return names


async def _foreign_ids(session: Session) -> list[str]:
    """Make this server known as the one whose ids are stored, or tell that they are another's."""
    try:
        await session.connection.execute(f"SELECT {session.schemas.ours('confirm_identity')}()")
    except asyncpg.PostgresError as error:
        if error.sqlstate != SourceFault.MOVED:
            raise
        return ["the tables hold transaction ids of another server; `ticket-export source rebase` makes them new"]
    return []
