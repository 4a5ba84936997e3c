"""``ticket-export source install``: versions every table of the contract that lacks it, one short transaction each.

Running it again changes nothing. Stopped anywhere, it goes on where it was.
"""

from collections.abc import Sequence

from pydantic import SecretStr

from export_ops.errors import InstallError
from export_ops.source import catalog
from export_ops.source.generate import Schemas, prepare_history, version_table
from export_ops.source.indexes import ensure_indexes
from export_ops.source.session import PATIENT, LockPolicy, Report, installing, silent
from ticket_export.source_contract import CONTRACT, SourceTable


async def install(
    url: SecretStr,
    schemas: Schemas,
    *,
    tables: Sequence[SourceTable] = CONTRACT,
    policy: LockPolicy = PATIENT,
    report: Report = silent,
) -> list[str]:
    """Version the tables that are not versioned yet and return their names; ``report`` hears of each step.

    Raises InstallError, before any table is changed, when a table is missing or not as the contract says, or versioning
    is disabled; afterwards when one that was versioned before cannot be trusted any more. Raises LockedOutError when a
    lock cannot be had.
    """
    async with installing(url, schemas, policy, report) as session:
        await session.require_enabled()
        await session.install_bookkeeping()
        states = await catalog.read_states(session.connection, schemas, tables)
        if problems := catalog.obstacles(tables, states):
            raise InstallError(f"Tables of {schemas.source} cannot be versioned:\n  " + "\n  ".join(problems))
        new = [table for table in tables if states[table.name].installed_columns is None]
        for table in new:
            # The live table's exclusive lock comes last and is held for its own statements only.
            sql = prepare_history(schemas, table) + version_table(schemas, table)
            await session.in_transaction(table.name, sql)
            report(f"{table.name}: versioned")
        for table in tables:
            await ensure_indexes(session, table)
        if broken := await catalog.broken_tables(session.connection, schemas):
            raise InstallError(
                "Versioning cannot be trusted any more; `ticket-export source sync` mends it:\n  " + "\n  ".join(broken)
            )
    return [table.name for table in new]
