"""``ticket-export source rebase``: begin anew on a server whose transaction ids are not those that are stored.

After a dump was restored elsewhere. Every row counts as always having been there, history is emptied, and every
snapshot from before is refused, also by those who store it: the epoch is part of the source's identity.
"""

from collections.abc import Sequence

from pydantic import SecretStr

from export_ops.errors import InstallError
from export_ops.source import catalog
from export_ops.source.generate import Schemas, adopt_server, renew_versioning, void_snapshots
from export_ops.source.indexes import ensure_indexes
from export_ops.source.session import PATIENT, LockPolicy, Report, installing, silent
from ticket_export.source_contract import CONTRACT, SourceTable


async def rebase(
    url: SecretStr,
    schemas: Schemas,
    *,
    tables: Sequence[SourceTable] = CONTRACT,
    policy: LockPolicy = PATIENT,
    report: Report = silent,
) -> list[str]:
    """Begin every table anew, one short transaction each, then adopt this server; return the tables' names.

    Stopped anywhere, it is run again; requests are refused until it has ended. Raises InstallError, before any table is
    changed, when one is missing or lacks a column, and while versioning is disabled; LockedOutError when a lock cannot
    be had.
    """
    async with installing(url, schemas, policy, report) as session:
        await session.require_enabled()
        await session.install_bookkeeping(again=True)
        states = await catalog.read_states(session.connection, schemas, tables)
        if hopeless := catalog.unmendable(tables, states):
            raise InstallError(f"Tables of {schemas.source} cannot be versioned:\n  " + "\n  ".join(hopeless.values()))
        # First, so that whoever still reads by an old snapshot stops.
        await session.connection.execute(void_snapshots(schemas))
        for table in tables:
            await session.in_transaction(table.name, renew_versioning(schemas, table))
            await ensure_indexes(session, table)
            report(f"{table.name}: versioned anew")
        await session.in_transaction(schemas.bookkeeping, adopt_server(schemas))
    return [table.name for table in tables]
