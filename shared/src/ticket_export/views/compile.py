"""The view compiler: payload + snapshot + instant of the request → the statements that read it. Pure.

Every table is read as of the snapshot. Conditions stand *above* the UNION ALL of live rows and history: inside its
arms each keyset page became a sequential scan (docs/architecture.md). Nothing here reads a clock.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ticket_export.snapshot import LIVE, Snapshot
from ticket_export.source_contract import CONTRACT
from ticket_export.views import profiles
from ticket_export.views.columns import COLUMNS, Column
from ticket_export.views.labels import LabelTable
from ticket_export.views.literals import identifier, text, timestamp
from ticket_export.views.payload import ViewPayload
from ticket_export.views.scopes import SCOPES
from ticket_export.views.visibility import VISIBILITY

# Part of a plan's fingerprint: a worker whose compiler differs plans again. Raise it with every change of the text.
COMPILER_VERSION = 2

# Below every ticket of an instant: bigint's least value.
LEAST_ID = -(2**63)

# percentile_disc costs the same for one fraction and for 255.
FRACTIONS = 256

_TICKETS = next(table for table in CONTRACT if table.name == "tickets")


@dataclass(frozen=True, slots=True)
class Key:
    """A place in the order (creation_time DESC, id DESC); the instant is PostgreSQL's own text of it."""

    creation_time: str
    id: int

    def compared(self, operator: Literal["<", ">="]) -> str:
        """Return how a ticket's place compares with this one."""
        instant = f"{text(self.creation_time)}::timestamptz"
        if self.id == LEAST_ID:
            # The same, but the planner can tell how many rows two such bounds leave between them.
            return f"t.creation_time {operator} {instant}"
        # The id is quoted too: a bare minus binds weaker than the cast.
        return f"(t.creation_time, t.id) {operator} ({instant}, '{int(self.id)}'::bigint)"


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of the order, newest first: keys below ``upper`` down to and including ``lower``; None is open."""

    upper: Key | None = None
    lower: Key | None = None

    def conditions(self) -> list[str]:
        """Return the comparisons that bound it."""
        bounds = []
        if self.upper:
            bounds.append(self.upper.compared("<"))
        if self.lower:
            bounds.append(self.lower.compared(">="))
        return bounds


@dataclass(frozen=True, slots=True)
class PagedStatement:
    """A statement in two pieces, between which a page's bounds go; plain text, so that a plan can freeze it."""

    head: str
    tail: str

    def for_page(self, page: Page) -> str:
        """Return the whole statement for one page."""
        return self.head + "".join(f"\n  AND {bound}" for bound in page.conditions()) + self.tail


@dataclass(frozen=True, slots=True)
class CompiledView:
    """The statements of one captured view at one snapshot."""

    payload: ViewPayload
    snapshot: Snapshot
    requested_at: datetime
    source_schema: str
    bookkeeping_schema: str

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns in the file's order."""
        return tuple(COLUMNS[name] for name in self.payload.columns)

    @property
    def header(self) -> str:
        """The file's first line."""
        return profiles.header(self.columns, delimiter=self.payload.delimiter, time_zone=self.payload.time_zone)

    @property
    def least_row_bytes(self) -> int:
        """What a row has at least: cells, delimiters and line end."""
        return sum(column.least_bytes + 1 for column in self.columns)

    @property
    def usual_row_bytes(self) -> int:
        """A generous estimate of a row; decides between one PUT and multipart, not correctness."""
        return sum(column.usual_bytes + 1 for column in self.columns)

    def measure(self) -> str:
        """Return the statement for the count and the instants that cut the order into FRACTIONS equal runs.

        One row: ``rows`` bigint, ``cuts`` text[] in ascending order (NULL when empty).
        """
        fractions = ",".join(f"{i}/{FRACTIONS}.0" for i in range(1, FRACTIONS))
        cuts = f"percentile_disc(ARRAY[{fractions}]::float8[]) WITHIN GROUP (ORDER BY t.creation_time)"
        return f"SELECT count(*) AS rows, ({cuts})::text[] AS cuts\n{self._from(())}"

    def cut_instant(self, instant: str, pieces: int) -> str:
        """Return the statement for the ids that cut the tickets of one instant into equal pieces, ascending."""
        fractions = ",".join(f"{i}/{pieces}.0" for i in range(1, pieces))
        cuts = f"percentile_disc(ARRAY[{fractions}]::float8[]) WITHIN GROUP (ORDER BY t.id)"
        condition = f"t.creation_time = {text(instant)}::timestamptz"
        return f"SELECT {cuts} AS ids\n{self._from((), condition)}"

    def copy(self) -> PagedStatement:
        """Return the COPY query without its bounds; the cells are text for the file."""
        cells = ", ".join(profiles.cell(column, self.payload.time_zone) for column in self.columns)
        return PagedStatement(
            head=f"SELECT {cells}\n{self._from(self.columns)}",
            tail="\nORDER BY t.creation_time DESC, t.id DESC",
        )

    def listing(self, page: Page, limit: int, *, newest_first: bool = True) -> str:
        """Return the statement of a list on screen: native values named like the columns, and the row's key.

        The key is ``key_time`` (text) and ``key_id``. ``newest_first`` says from which end of the page rows are taken.
        """
        cells = ", ".join(f"{column.expression} AS {identifier(column.name)}" for column in self.columns)
        direction = "DESC" if newest_first else "ASC"
        return (
            f"SELECT {cells}, t.creation_time::text AS key_time, t.id AS key_id\n"
            f"{self._from(self.columns, *page.conditions())}\n"
            f"ORDER BY t.creation_time {direction}, t.id {direction} LIMIT {int(limit)}"
        )

    def count(self) -> str:
        """Return the statement that counts the view's tickets."""
        return f"SELECT count(*)\n{self._from(())}"

    def copy_options(self) -> profiles.CopyOptions:
        """Return the options of COPY."""
        return profiles.copy_options(self.payload.delimiter)

    def _from(self, columns: tuple[Column, ...], *more: str) -> str:
        scope = SCOPES[self.payload.scope]
        needed: dict[str, LabelTable] = {}
        for tables in (scope.tables, *(column.tables for column in columns)):
            needed.update({table.name: table for table in tables})
        joins = "".join(f"\n{table.join(self.source_schema, self.snapshot)}" for table in needed.values())
        requested_at = timestamp(self.requested_at)
        scoped = [condition.format(requested_at=requested_at) for condition in scope.conditions]
        safe = f"(SELECT {identifier(self.bookkeeping_schema)}.assert_safe({text(str(self.snapshot))}))"
        where = [safe, self.snapshot.visible("t"), *VISIBILITY, *scoped, *more]
        return f"FROM {self._tickets()} t{joins}\nWHERE " + "\n  AND ".join(where)

    def _tickets(self) -> str:
        names = ", ".join(identifier(name) for name in _TICKETS.column_names)
        live = f"{identifier(self.source_schema)}.{identifier(_TICKETS.name)}"
        old = f"{identifier(self.source_schema)}.{identifier(_TICKETS.history)}"
        return (
            f"(SELECT {names}, valid_from, '{LIVE}'::xid8 AS valid_to FROM {live}"  # noqa: S608 - names from the contract
            f" UNION ALL SELECT {names}, valid_from, valid_to FROM {old})"
        )


def compile_view(
    payload: ViewPayload,
    *,
    snapshot: Snapshot,
    requested_at: datetime,
    source_schema: str,
    bookkeeping_schema: str,
) -> CompiledView:
    """Bind a payload to its snapshot and instant."""
    return CompiledView(payload, snapshot, requested_at, source_schema, bookkeeping_schema)
