"""``ticket-export source disable``: stop versioning, for a night on which the host's writes need every microsecond.

The trigger functions are replaced by ones that do nothing, which waits for no table's lock; the same commit tells every
export that there is a gap. Only then are the triggers themselves switched off, one table after another.
"""

import asyncpg
from pydantic import SecretStr

from export_ops.source.generate import Schemas, idle_functions, switch_triggers_off
from export_ops.source.session import PATIENT, LockPolicy, Report, Session, installing, silent
from ticket_export.source_contract import SourceTable


async def disable(
    url: SecretStr,
    schemas: Schemas,
    *,
    now: bool = False,
    policy: LockPolicy = PATIENT,
    report: Report = silent,
) -> list[str]:
    """Stop versioning and return the tables' names; with ``now`` the triggers stay, and do nothing.

    Raises InstallError when the source refuses, LockedOutError when a table's lock cannot be had; versioning has
    stopped by then.
    """
    async with installing(url, schemas, policy, report) as session:
        await session.install_bookkeeping()
        tables = await _versioned(session)
        names = [f"{place.source}.{table.name}" for place, table in tables]
        await session.in_transaction(schemas.bookkeeping, idle_functions(schemas, tables))
        report("versioning has stopped; snapshots from before are refused")
        if not now:
            for place, table in tables:
                await session.in_transaction(table.name, switch_triggers_off(place, table))
                report(f"{table.name}: triggers off")
    return names


async def _versioned(session: Session) -> list[tuple[Schemas, SourceTable]]:
    """Every table that the bookkeeping knows and that is there: what they share is switched off for all of them."""
    rows: list[asyncpg.Record] = await session.connection.fetch(
        f"SELECT table_schema, table_name FROM {session.schemas.ours('installs')}"  # noqa: S608 - a quoted name
        " WHERE to_regclass(format('%I.%I', table_schema, table_name)) IS NOT NULL ORDER BY 1, 2"
    )
    bookkeeping = session.schemas.bookkeeping
    return [(Schemas(row["table_schema"], bookkeeping), SourceTable(row["table_name"], (), ())) for row in rows]
