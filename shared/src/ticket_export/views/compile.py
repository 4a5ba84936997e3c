"""The view compiler: payload + snapshot + instant of the request → the statements that read it. Pure.

Every table is read as of the snapshot. Conditions stand *above* the UNION ALL of live rows and history: inside its
arms each keyset page became a sequential scan (docs/architecture.md). Nothing here reads a clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from ticket_export.snapshot import Snapshot
from ticket_export.views import profiles
from ticket_export.views.cells import CellType
from ticket_export.views.columns import Column
from ticket_export.views.custom import Vocabulary, vocabulary
from ticket_export.views.literals import text
from ticket_export.views.operators import Moment, find_operator, parse_value
from ticket_export.views.order import Order, order_of, with_id
from ticket_export.views.payload import Condition, FilterGroup, ViewPayload
from ticket_export.views.quick import QUICK_FILTERS, SNOOZE
from ticket_export.views.reading import Reading
from ticket_export.views.scopes import find_scope, is_not_snoozed
from ticket_export.views.search import found
from ticket_export.views.visibility import visibility

# Part of a plan's fingerprint: a worker whose compiler differs plans again. Raise it with every change of the text.
COMPILER_VERSION = 3

# Below every ticket of an instant: bigint's least value.
LEAST_ID = -(2**63)

# percentile_disc costs the same for one fraction and for 255.
FRACTIONS = 256


@dataclass(frozen=True, slots=True)
class Key:
    """A place in the order of creation (creation_time, id); the instant is PostgreSQL's own text of it."""

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
    """A stretch of the order of creation: keys below ``upper`` down to and including ``lower``; None is open."""

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
    """The statements of one captured view at one snapshot; without one (None) they read what is there now."""

    payload: ViewPayload
    snapshot: Snapshot | None
    requested_at: datetime
    source_schema: str
    bookkeeping_schema: str
    vocabulary: Vocabulary = field(repr=False)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns in the file's order."""
        return tuple(self.vocabulary.columns[name] for name in self.payload.columns)

    @property
    def header(self) -> str:
        """The file's first line."""
        return profiles.header(
            self.columns,
            profile=self.payload.profile,
            delimiter=self.payload.delimiter,
            time_zone=self.payload.time_zone,
        )

    @property
    def least_row_bytes(self) -> int:
        """What a row has at least: cells with their quotes, delimiters and line end."""
        quotes = 2 if self.copy_options().force_quote else 0
        cells = (column.least_bytes + quotes for column in self.columns if column.least_bytes is not None)
        return sum(cells) + len(self.columns)

    @property
    def usual_row_bytes(self) -> int:
        """A generous estimate of a row; decides between one PUT and multipart, not correctness."""
        return sum(column.usual_bytes + 1 for column in self.columns)

    @property
    def follows_creation(self) -> Literal["asc", "desc"] | None:
        """The direction of a view that is ordered by creation alone, which an index serves; None for any other."""
        (first, direction), *others = with_id(self.payload.levels)
        return direction if first == "creation_time" and others == [("id", direction)] else None

    def measure(self) -> str:
        """Return the statement for the count and the instants that cut the order of creation into FRACTIONS equal runs.

        One row: ``rows`` bigint; ``oversized`` bigint, cells that no spreadsheet can hold; ``cuts`` text[] in ascending
        order, NULL when the view is empty or follows another order.
        """
        reading = self._reading()
        conditions = self._conditions(reading)
        cuts = "NULL::text[]"
        if self.follows_creation:
            fractions = ",".join(f"{i}/{FRACTIONS}.0" for i in range(1, FRACTIONS))
            percentiles = f"percentile_disc(ARRAY[{fractions}]::float8[]) WITHIN GROUP (ORDER BY t.creation_time)"
            cuts = f"({percentiles})::text[]"
        # What programs read has no such limits.
        measured = self.columns if self.payload.profile == "spreadsheet" else ()
        free_text = [column.expression(reading) for column in measured if column.unbounded]
        counts = [f"count(*) FILTER (WHERE {profiles.oversized(cell)})" for cell in free_text]
        oversized = " + ".join(counts) or "0::bigint"
        return _select(f"count(*) AS rows, {oversized} AS oversized, {cuts} AS cuts", reading, conditions)

    def cut_instant(self, instant: str, pieces: int) -> str:
        """Return the statement for the ids that cut the tickets of one instant into equal pieces, ascending."""
        reading = self._reading()
        fractions = ",".join(f"{i}/{pieces}.0" for i in range(1, pieces))
        cuts = f"percentile_disc(ARRAY[{fractions}]::float8[]) WITHIN GROUP (ORDER BY t.id)"
        conditions = [*self._conditions(reading), f"t.creation_time = {text(instant)}::timestamptz"]
        return _select(f"{cuts} AS ids", reading, conditions)

    def copy(self) -> PagedStatement:
        """Return the COPY query without its bounds; the cells are text for the file."""
        reading = self._reading()
        profile, zone = self.payload.profile, self.payload.time_zone
        cells = ", ".join(
            profiles.cell(column.type, column.expression(reading), profile=profile, time_zone=zone)
            for column in self.columns
        )
        order = self._order(reading)
        return PagedStatement(_select(cells, reading, self._conditions(reading)), f"\nORDER BY {order.by()}")

    def listing(self, limit: int, *, after: Sequence[str] | None = None, before: Sequence[str] | None = None) -> str:
        """Return the statement of a list on screen: native values ``c0``, ``c1``, … and the ticket's ``place`` (text[]).

        ``after`` a place the next ones come in order; ``before`` one the nearest come first. Raises ValueError for a
        place of another order.
        """
        reading = self._reading()
        cells = [f"{_shown(column, reading)} AS c{number}" for number, column in enumerate(self.columns)]
        order = self._order(reading)
        conditions = self._conditions(reading)
        if after is not None:
            conditions.append(order.beyond(after))
        if before is not None:
            conditions.append(order.beyond(before, backwards=True))
        selected = ", ".join([*cells, f"{order.key} AS place"])
        return (
            f"{_select(selected, reading, conditions)}\n"
            f"ORDER BY {order.by(backwards=before is not None)} LIMIT {int(limit)}"
        )

    def count(self) -> str:
        """Return the statement that counts the view's tickets."""
        reading = self._reading()
        return _select("count(*)", reading, self._conditions(reading))

    def copy_options(self) -> profiles.CopyOptions:
        """Return the options of COPY."""
        return profiles.copy_options(self.payload.profile, self.payload.delimiter)

    @property
    def tables(self) -> frozenset[str]:
        """The tables that the file is read from."""
        reading = self._reading()
        self._conditions(reading)
        self._order(reading)
        for column in self.columns:
            column.expression(reading)
        return frozenset(reading.tables)

    def _reading(self) -> Reading:
        return Reading(
            schema=self.source_schema,
            bookkeeping_schema=self.bookkeeping_schema,
            snapshot=self.snapshot,
            requested_at=self.requested_at,
            zone=ZoneInfo(self.payload.time_zone),
            requester_id=self.payload.requester_id,
            requester_team_ids=self.payload.requester_team_ids,
        )

    def _order(self, reading: Reading) -> Order:
        return order_of(reading, self.payload.levels, self.vocabulary.sorts)

    def _conditions(self, reading: Reading) -> list[str]:
        payload, moment = self.payload, Moment(self.requested_at, reading.zone)
        scope = find_scope(payload.scope)
        conditions = [*visibility(reading), *(condition(reading) for condition in scope.conditions)]
        if not scope.keeps_snoozed and SNOOZE not in payload.quick_filters:
            conditions.append(is_not_snoozed(reading))
        for name, value in payload.quick_filters.items():
            quick = QUICK_FILTERS[name]
            conditions.append(quick.build(reading, quick.parse(value, moment)))
        for group in payload.filters:
            conditions += self._group(reading, moment, group)
        if payload.search:
            conditions.append(found(reading, payload.search, payload.columns))
        return conditions

    def _group(self, reading: Reading, moment: Moment, group: FilterGroup) -> list[str]:
        conditions = [self._condition(reading, moment, condition) for condition in group.all]
        if group.any:
            alternatives = (self._condition(reading, moment, condition) for condition in group.any)
            conditions.append(f"({' OR '.join(alternatives)})")
        return conditions

    def _condition(self, reading: Reading, moment: Moment, condition: Condition) -> str:
        asked = self.vocabulary.fields[condition.field]
        operator = find_operator(asked, condition.operator)
        value = parse_value(asked, operator, condition.value, moment)
        built = f"({operator.build(reading, asked, value)})"
        return f"({asked.requires(reading)} AND {built})" if asked.requires else built


def _shown(column: Column, reading: Reading) -> str:
    """Return a cell of a list. Instants that no driver can take (BC, infinity) are left out; a file has them."""
    expression = column.expression(reading)
    if column.type is not CellType.TIMESTAMP:
        return expression
    return f"CASE WHEN {expression} >= '0001-01-02Z' AND {expression} < '9999-12-31Z' THEN {expression} END"


def _select(selected: str, reading: Reading, conditions: Sequence[str]) -> str:
    """Put a statement together last, when every expression has said which joins it needs."""
    where = "\n  AND ".join([*reading.safeguards(), *conditions])
    return f"SELECT {selected}\n{reading.from_tickets()}\nWHERE {where}"


def compile_view(
    payload: ViewPayload,
    *,
    snapshot: Snapshot | None,
    requested_at: datetime,
    source_schema: str,
    bookkeeping_schema: str,
) -> CompiledView:
    """Bind a payload to its snapshot and instant."""
    return CompiledView(
        payload, snapshot, requested_at, source_schema, bookkeeping_schema, vocabulary(payload.custom_fields)
    )
