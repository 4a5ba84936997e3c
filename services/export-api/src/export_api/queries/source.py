"""Every statement on the helpdesk's database; each reads as role source_reader, and names its schema.

What a request captures is read in one REPEATABLE READ transaction on the primary: person, rights, view, moment,
snapshot and schema signature belong together, or the file would not be what the person saw.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from export_api.database import Database
from export_api.errors import (
    SourceIsStandbyError,
    SourceMovedError,
    SourceRestoredError,
    SourceUnpreparedError,
    UnavailableError,
)
from export_api.settings import SnapshotSetting
from ticket_export.database.connection import Connection
from ticket_export.permissions import Person, SystemPermissions
from ticket_export.source_contract import SourceFault
from ticket_export.views.check import Helpdesk
from ticket_export.views.custom import CustomField
from ticket_export.views.fields import Choices

# Active staff by username, with the union of their roles' rights and with their teams.
_PEOPLE = """
SELECT s.id, s.username, concat_ws(' ', s.first_name, s.last_name) AS display_name, s.is_admin,
       coalesce(bit_or(r.permissions), 0) AS permissions,
       coalesce(array_agg(r.developer_name ORDER BY r.developer_name) FILTER (WHERE r.id IS NOT NULL), '{}') AS roles,
       ARRAY(SELECT m.team_id FROM {source}.team_members m WHERE m.staff_id = s.id ORDER BY 1) AS team_ids
FROM {source}.staff s
     LEFT JOIN {source}.staff_roles sr ON sr.staff_id = s.id
     LEFT JOIN {source}.roles r ON r.id = sr.role_id
WHERE s.username = ANY ($1::text[]) AND s.is_active
GROUP BY s.id
"""

# The views that a person may use: everybody's and their own. $2 narrows to one (NULL: all).
_VIEWS = """
SELECT id, name, definition, owner_id IS NOT NULL AS private FROM {source}.views
WHERE (owner_id IS NULL OR owner_id = $1) AND ($2::uuid IS NULL OR id = $2)
ORDER BY lower(name), id
"""

# The instant and the snapshot of this transaction; a standby's snapshot would list no running transactions.
_MOMENT = """
SELECT now() AS requested_at, pg_current_snapshot()::text AS snapshot, pg_is_in_recovery() AS standby,
       (SELECT system_identifier FROM pg_control_system()) AS cluster
"""

_SIGNATURE = "SELECT {bookkeeping}.signature()"

# Whether an operator has switched versioning off.
_DISABLED = "SELECT EXISTS (SELECT FROM {bookkeeping}.installs WHERE disabled_at IS NOT NULL)"

_IDENTITY = "SELECT {bookkeeping}.source_identity()"

_ASSERT_SAFE = "SELECT {bookkeeping}.assert_safe($1)"

# After a promotion, a restore or an upgrade: makes the new server known, or raises because its rows are another's.
_CONFIRM_IDENTITY = 'SELECT "{schema}".confirm_identity()'

# Without a record in the log, a crash could hand the transaction ids of this snapshot out again.
_SECURE_MOMENT = "SELECT pg_logical_emit_message(true, 'ticket-export', '')"

# All that a view can name in this helpdesk. $1 narrows staff to those ids (NULL: everybody, also those who have left).
_HELPDESK = """
SELECT 'statuses' AS kind, developer_name AS value, label, NULL AS type, sort_order AS place FROM {source}.statuses
UNION ALL SELECT 'priorities', developer_name, label, NULL, sort_order FROM {source}.priorities
UNION ALL SELECT 'languages', developer_name, label, NULL, 0 FROM {source}.languages
UNION ALL SELECT 'teams', id::text, name, NULL, 0 FROM {source}.teams
UNION ALL SELECT 'staff', id::text, concat_ws(' ', first_name, last_name), NULL, 0 FROM {source}.staff
          WHERE $1::uuid[] IS NULL OR id = ANY ($1)
UNION ALL SELECT 'custom fields', key, label, type, 0 FROM {source}.custom_fields
ORDER BY kind, place, label, value
"""

# How the server's clocks stand in a time zone, at one instant after the other.
_LOCAL_TIMES = """
SELECT at AT TIME ZONE $1 AS local FROM unnest($2::timestamptz[]) WITH ORDINALITY AS asked (at, number) ORDER BY number
"""

_NAMES = "SELECT id, concat_ws(' ', first_name, last_name) AS name FROM {source}.staff WHERE id = ANY ($1::uuid[])"

# Proves that the schema can be read, and nothing else.
_PROBE = "SELECT 1 FROM {source}.staff LIMIT 0"

_UNPREPARED = (
    asyncpg.InvalidSchemaNameError,
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedFunctionError,
    asyncpg.UndefinedColumnError,
    asyncpg.InsufficientPrivilegeError,
)
_UNSAFE = frozenset({SourceFault.PRUNED, SourceFault.TOO_OLD, SourceFault.BROKEN})


@dataclass(frozen=True, slots=True)
class SavedView:
    """A row of the helpdesk's views; ``definition`` is JSON text."""

    id: UUID
    name: str
    definition: str
    private: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant with the snapshot that belongs to it; ``cluster`` is the server's system identifier."""

    requested_at: datetime
    snapshot: str
    standby: bool
    cluster: int


class SourceReading:
    """The statements, inside one transaction."""

    def __init__(self, connection: Connection, schema: str, bookkeeping_schema: str) -> None:
        self.connection = connection
        self._names = {"{source}": f'"{schema}"', "{bookkeeping}": f'"{bookkeeping_schema}"'}

    def _sql(self, statement: str) -> str:
        for mark, name in self._names.items():
            statement = statement.replace(mark, name)
        return statement

    async def people(self, usernames: Sequence[str]) -> list[Person]:
        """Read active staff with the rights that they hold now, in the order asked for."""
        rows = await self.connection.fetch(self._sql(_PEOPLE), usernames)
        found = {row["username"]: _person(row) for row in rows}
        return [found[name] for name in usernames if name in found]

    async def person(self, username: str) -> Person | None:
        """Read one active member of staff."""
        people = await self.people([username])
        return people[0] if people else None

    async def views(self, person_id: UUID) -> list[SavedView]:
        """Read the saved views that this person may use, by name."""
        rows = await self.connection.fetch(self._sql(_VIEWS), person_id, None)
        return [SavedView(**row) for row in rows]

    async def view(self, person_id: UUID, view_id: UUID) -> SavedView | None:
        """Read one saved view, unless it is somebody else's private one."""
        row = await self.connection.fetchrow(self._sql(_VIEWS), person_id, view_id)
        return SavedView(**row) if row else None

    async def moment(self, *, standby_will_do: bool = False) -> Moment:
        """Read the instant and snapshot of this transaction; raise SourceIsStandbyError on a standby."""
        row = await self.connection.fetchrow(_MOMENT)
        assert row is not None  # noqa: S101 - a SELECT without FROM has one row
        moment = Moment(**row)
        if moment.standby and not standby_will_do:
            raise SourceIsStandbyError
        return moment

    async def snapshot_mode(self, wanted: SnapshotSetting) -> Literal["exact", "statement"]:
        """Tell how an export is to read: live rows only if an operator has said so, here or by disabling versioning."""
        if wanted != "auto":
            return wanted
        disabled = await self.connection.fetchval(self._sql(_DISABLED))
        return "statement" if disabled else "exact"

    async def signature(self) -> str:
        """Read what identifies the schema's shape; a job whose tables change shape must fail, not be wrong."""
        signature: str = await self.connection.fetchval(self._sql(_SIGNATURE))
        return signature

    async def identity(self) -> str:
        """Read which server this is; on another one the snapshot would mean nothing."""
        identity: str = await self.connection.fetchval(self._sql(_IDENTITY))
        return identity

    async def assert_safe(self, snapshot: str) -> None:
        """Raise unless tables can be read as of this snapshot later."""
        await self.connection.fetchval(self._sql(_ASSERT_SAFE), snapshot)

    async def secure_moment(self) -> None:
        """Put this transaction into the source's log, and its commit on disk."""
        await self.connection.execute("SET LOCAL synchronous_commit = on")
        await self.connection.execute(_SECURE_MOMENT)

    async def helpdesk(self, staff_ids: Iterable[UUID] | None = None) -> Helpdesk:
        """Read what a view can name: of staff those with these ids, or everybody."""
        wanted = None if staff_ids is None else list(staff_ids)
        choices: dict[Choices, dict[str, str]] = {kind: {} for kind in Choices}
        custom_fields: dict[str, CustomField] = {}
        for kind, value, label, type_, _ in await self.connection.fetch(self._sql(_HELPDESK), wanted):
            if kind == "custom fields":
                custom_fields[value] = CustomField(label=label or value, type=type_ or "text")
            else:
                choices[Choices(kind)][value] = label or value
        return Helpdesk(choices, custom_fields)

    async def agrees_on(self, zone: ZoneInfo, at: datetime) -> bool:
        """Tell whether the server knows the time zone as we do: then, and in the winter and summer of that year.

        It takes some IANA names for abbreviations: its CET has no summer time.
        """
        winter, summer = (datetime(at.year, month, 15, 12, tzinfo=UTC) for month in (1, 7))
        instants = [at, winter, summer]
        try:
            # A savepoint: a name that the server does not know must not end the transaction.
            async with self.connection.transaction():
                rows = await self.connection.fetch(_LOCAL_TIMES, zone.key, instants)
        except asyncpg.InvalidParameterValueError:
            return False
        return [row["local"] for row in rows] == [each.astimezone(zone).replace(tzinfo=None) for each in instants]

    async def names(self, ids: Iterable[UUID]) -> dict[UUID, str]:
        """Read display names of staff, active or not."""
        rows = await self.connection.fetch(self._sql(_NAMES), list(ids))
        return {row["id"]: row["name"] for row in rows}

    async def fetch_compiled(self, statement: str) -> list[asyncpg.Record]:
        """Run a statement of the view compiler."""
        return await self.connection.fetch(statement)

    async def probe(self) -> None:
        """Raise when the schema cannot be read."""
        await self.connection.execute(self._sql(_PROBE))


@dataclass(frozen=True, slots=True)
class Source:
    """The helpdesk's database."""

    database: Database
    schema: str
    bookkeeping_schema: str
    snapshot_mode: SnapshotSetting = "auto"

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[SourceReading]:
        """Open one REPEATABLE READ transaction; everything read in it is of one moment.

        Raises SourceUnpreparedError, SourceIsStandbyError, and SourceMovedError when another try will do.
        """
        try:
            async with self.database.transaction("repeatable_read") as connection:
                yield SourceReading(connection, self.schema, self.bookkeeping_schema)
        except asyncpg.PostgresError as error:
            if error.sqlstate == SourceFault.MOVED:
                await self._confirm_identity()
                raise SourceMovedError from error
            verdict = _verdict(error)
            if verdict is None:
                raise
            raise verdict from error

    async def _confirm_identity(self) -> None:
        try:
            async with self.database.connection() as connection:
                await connection.execute(_CONFIRM_IDENTITY.replace("{schema}", self.bookkeeping_schema))
        except asyncpg.PostgresError as error:
            raise (_verdict(error) or SourceUnpreparedError()) from error


def _verdict(error: asyncpg.PostgresError) -> UnavailableError | None:
    if error.sqlstate == SourceFault.MOVED:
        return SourceRestoredError()
    if error.sqlstate == SourceFault.STANDBY:
        return SourceIsStandbyError()
    if isinstance(error, _UNPREPARED) or error.sqlstate in _UNSAFE:
        return SourceUnpreparedError()
    return None


def _person(row: asyncpg.Record) -> Person:
    return Person(
        id=row["id"],
        username=row["username"],
        display_name=row["display_name"] or row["username"],
        is_admin=row["is_admin"],
        permissions=SystemPermissions(row["permissions"]),
        roles=tuple(row["roles"]),
        team_ids=tuple(row["team_ids"]),
    )
