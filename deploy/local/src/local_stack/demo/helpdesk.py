"""Puts the demo's helpdesk into its state at the cut, by the host application's own ordinary writes.

Run again it undoes what a replay has done, and nothing else: other people's tickets stay.
"""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from importlib.resources import files
from urllib.parse import unquote, urlsplit

import asyncpg
from pydantic import SecretStr

from local_stack.demo.incident_log import PRIORITIES, STATUSES, IncidentLog, Ticket, read_log
from local_stack.demo.people import PEOPLE, ROLES, VIEWS
from ticket_export.migrations.roles import INSTALLER, ensure_role
from ticket_export.views.literals import identifier

_CLOSED = ("resolved", "closed")
_CUSTOM_FIELDS = (("location", "Location", "text"), ("impact", "Impact", "text"), ("urgency", "Urgency", "text"))


async def prepare_helpdesk(*, admin_url: str, helpdesk_url: str, schema: str) -> None:
    """Create the host's role and schema where missing, and bring the log's tickets to the cut.

    ``helpdesk_url`` names the host's role and password. The installer's role must exist (``ticket-export migrate``).
    """
    address = urlsplit(helpdesk_url)
    host_role = unquote(address.username or "")
    admin = await asyncpg.connect(admin_url)
    try:
        await ensure_role(admin, host_role, SecretStr(unquote(address.password)) if address.password else None)
        await _grant_schema(admin, schema, host_role)
    finally:
        await admin.close()
    host = await asyncpg.connect(helpdesk_url)
    try:
        async with host.transaction():
            await host.execute("SELECT pg_advisory_xact_lock(hashtextextended('demo helpdesk ' || $1, 0))", schema)
            await host.execute(f"SET LOCAL search_path = {identifier(schema)}")
            await _create_tables(host)
            await _load(host, read_log())
    finally:
        await host.close()


async def _grant_schema(admin: asyncpg.Connection, schema: str, host_role: str) -> None:
    if not await admin.fetchval("SELECT to_regnamespace($1) IS NOT NULL", identifier(schema)):
        await admin.execute(f"CREATE SCHEMA {identifier(schema)} AUTHORIZATION {identifier(host_role)}")
    database = await admin.fetchval("SELECT current_database()")
    # What a customer's administrator gives the installer, and no more: the tables' owner, and a schema of its own.
    await admin.execute(f"GRANT {identifier(host_role)} TO {INSTALLER}")
    await admin.execute(f"GRANT CREATE ON DATABASE {identifier(database)} TO {INSTALLER}")


async def _create_tables(host: asyncpg.Connection) -> None:
    if await host.fetchval("SELECT to_regclass('tickets') IS NULL"):
        await host.execute(files("local_stack.demo").joinpath("helpdesk.sql").read_text(encoding="utf-8"))


async def _load(host: asyncpg.Connection, log: IncidentLog) -> None:
    """Tables in the order of their references."""
    await _load_settings(host)
    await _load_people(host, log)
    contacts = [
        (number, "Caller", str(number), f"caller{number}@example.com", location)
        for number, location in sorted(log.callers().items())
    ]
    await _put(host, "contacts", ("id", "first_name", "last_name", "email", "organization_account"), contacts)
    await _put(host, "tickets", [field.name for field in fields(Ticket)], map(astuple, log.at_cut()))
    views = [(view.id, view.name, view.owner.id if view.owner else None, view.definition) for view in VIEWS]
    await _put(host, "views", ("id", "name", "owner_id", "definition"), views)


async def _load_settings(host: asyncpg.Connection) -> None:
    statuses = [
        (name, label, "closed" if name in _CLOSED else "open", place)
        for place, (label, name) in enumerate(STATUSES.items(), start=1)
    ]
    await _put(host, "statuses", ("developer_name", "label", "status_type", "sort_order"), statuses)
    # '1 - Critical' comes first in the log; in the helpdesk the most urgent is the highest.
    priorities = [
        (name, label.split(" - ")[1], place)
        for place, (label, name) in enumerate(reversed(PRIORITIES.items()), start=1)
    ]
    await _put(host, "priorities", ("developer_name", "label", "sort_order"), priorities)
    await _put(host, "languages", ("developer_name", "label"), [("en", "English")])
    await _put(host, "custom_fields", ("key", "label", "type"), _CUSTOM_FIELDS)


async def _load_people(host: asyncpg.Connection, log: IncidentLog) -> None:
    roles = [(role.id, role.developer_name, role.label, int(role.permissions)) for role in ROLES]
    await _put(host, "roles", ("id", "developer_name", "label", "permissions"), roles)
    staff = [(person.id, person.username, person.first_name, person.last_name, False) for person in log.staff()]
    staff += [(person.id, person.username, person.first_name, person.last_name, person.is_admin) for person in PEOPLE]
    addressed = [(*row, f"{row[1]}@example.com", True) for row in staff]
    columns = ("id", "username", "first_name", "last_name", "is_admin", "email", "is_active")
    await _put(host, "staff", columns, addressed)
    held = [(person.id, role.id) for person in PEOPLE for role in person.roles]
    await _put(host, "staff_roles", ("staff_id", "role_id"), held, key=2)
    await _put(host, "teams", ("id", "name"), sorted(log.teams().items()))
    await _put(host, "team_members", ("team_id", "staff_id"), sorted(log.memberships()), key=2)


async def _put(
    host: asyncpg.Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, key: int = 1
) -> None:
    """Insert the rows that are missing and update those that differ; the first ``key`` columns are the primary key."""
    names = ", ".join(map(identifier, columns))
    await host.execute(f"CREATE TEMP TABLE wanted ON COMMIT DROP AS SELECT {names} FROM {table} WITH NO DATA")  # noqa: S608
    await host.copy_records_to_table("wanted", records=rows, columns=columns)
    changes = ", ".join(f"{identifier(name)} = excluded.{identifier(name)}" for name in columns[key:])
    here, there = (", ".join(f"{side}.{identifier(name)}" for name in columns[key:]) for side in ("kept", "excluded"))
    update = f"UPDATE SET {changes} WHERE ({here}) IS DISTINCT FROM ({there})" if changes else "NOTHING"
    await host.execute(
        f"INSERT INTO {table} AS kept ({names}) SELECT {names} FROM wanted"  # noqa: S608
        f" ON CONFLICT ({', '.join(columns[:key])}) DO {update}"
    )
    await host.execute("DROP TABLE wanted")
