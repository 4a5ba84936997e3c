"""One statement in the making: how each table is read as of the snapshot, and which joins its expressions need.

Every table of a statement is read through here, so none can be read as it is now by mistake. Without a snapshot
(a source that may not be changed) the live tables are read plainly.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from ticket_export.snapshot import LIVE, Snapshot
from ticket_export.source_contract import SourceTable, source_table
from ticket_export.views.labels import LabelTable
from ticket_export.views.literals import identifier, text, timestamp

TICKETS = source_table("tickets")


@dataclass(slots=True)
class Reading:
    """The state of one statement: expressions are built against it and leave their joins and tables behind."""

    schema: str
    bookkeeping_schema: str
    snapshot: Snapshot | None
    requested_at: datetime
    zone: ZoneInfo
    requester_id: UUID
    requester_team_ids: tuple[UUID, ...]
    tables: set[str] = field(default_factory=lambda: {TICKETS.name})
    _labels: dict[str, LabelTable] = field(default_factory=dict)

    @property
    def now(self) -> str:
        """The instant of the request as a literal; a statement never asks the clock."""
        return timestamp(self.requested_at)

    def value(self, label: LabelTable, make: Callable[[str], str]) -> str:
        """Return a value of the row that a ticket refers to; ``make`` gives it from the row's alias."""
        self.tables.add(label.table)
        self._labels[label.name] = label
        if self.snapshot is None:
            return f"({make(label.live)})"
        return f"CASE WHEN {label.old}.{label.key} IS NULL THEN {make(label.live)} ELSE {make(label.old)} END"

    def exists(self, table: str, condition: str) -> str:
        """Return whether a row of the table satisfies the condition, in which ``r`` is the row and ``t`` the ticket."""
        sides = [
            f"EXISTS (SELECT FROM {name} r WHERE {condition}{seen})" for name, seen in self._sides(table, "r", "r")
        ]
        return f"({' OR '.join(sides)})"

    def lookup(self, table: str, expression: str, condition: str) -> str:
        """Return a scalar of the rows ``r`` that satisfy the condition, as a subquery; aggregates see them all."""
        self.tables.add(table)
        named = source_table(table)
        rows, seen = self._name(named.name), ""
        if self.snapshot is not None:
            rows, seen = self._versions(named), f" AND {self.snapshot.visible('r')}"
        return f"(SELECT {expression} FROM {rows} r WHERE {condition}{seen})"  # noqa: S608 - names from the contract

    def _sides(self, table: str, live: str, old: str) -> list[tuple[str, str]]:
        """The live rows and the history, each with the condition that a row is in the snapshot."""
        self.tables.add(table)
        named = source_table(table)
        if self.snapshot is None:
            return [(self._name(named.name), "")]
        return [
            (self._name(named.name), f" AND {self.snapshot.visible(live, live=True)}"),
            (self._name(named.history), f" AND {self.snapshot.visible(old)}"),
        ]

    def from_tickets(self) -> str:
        """Return the FROM clause: the tickets as ``t`` and the joins that were asked for so far."""
        joins = "".join(self._join(label) for label in self._labels.values())
        if self.snapshot is None:
            return f"FROM {self._name(TICKETS.name)} t{joins}"
        return f"FROM {self._versions(TICKETS)} t{joins}"

    def safeguards(self) -> list[str]:
        """Return the conditions that stand above every other: the snapshot is safe, and the ticket is in it."""
        if self.snapshot is None:
            return []
        tables = f"ARRAY[{', '.join(text(name) for name in sorted(self.tables))}]"
        safe = f"(SELECT {identifier(self.bookkeeping_schema)}.assert_safe({text(str(self.snapshot))}, {tables}))"
        return [safe, self.snapshot.visible("t")]

    def _join(self, label: LabelTable) -> str:
        aliases = (label.live, label.old)
        return "".join(
            f"\nLEFT JOIN {name} {alias} ON {alias}.{label.key} = t.{label.reference}{seen}"
            for alias, (name, seen) in zip(aliases, self._sides(label.table, *aliases), strict=False)
        )

    def _name(self, table: str) -> str:
        return f"{identifier(self.schema)}.{identifier(table)}"

    def _versions(self, table: SourceTable) -> str:
        names = ", ".join(identifier(name) for name in table.column_names)
        return (
            f"(SELECT {names}, valid_from, '{LIVE}'::xid8 AS valid_to FROM {self._name(table.name)}"  # noqa: S608 - names from the contract
            f" UNION ALL SELECT {names}, valid_from, valid_to FROM {self._name(table.history)})"
        )


Expression: TypeAlias = Callable[[Reading], str]


def plain(sql: str) -> Expression:
    """Return an expression over the ticket ``t`` alone."""
    return lambda _: sql


@dataclass(frozen=True, slots=True)
class Labelled:
    """An expression over the row that a ticket refers to; ``{row}`` in ``sql`` stands for it."""

    label: LabelTable
    sql: str

    def __call__(self, reading: Reading) -> str:
        """Return the value."""
        return self.within(reading, lambda value: value)

    def within(self, reading: Reading, make: Callable[[str], str]) -> str:
        """Return what ``make`` says of the value, said of each version of the row by itself."""
        return reading.value(self.label, lambda row: make(self.sql.replace("{row}", row)))


def labelled(label: LabelTable, sql: str) -> Expression:
    """Return an expression over the row that a ticket refers to, ``{row}``."""
    return Labelled(label, sql)


def said_of(expression: Expression, reading: Reading, make: Callable[[str], str]) -> str:
    """Return a condition on the expression.

    On a label it stands inside the CASE of the two versions: outside, the planner takes one ticket in 200 to satisfy
    it and reads them all first.
    """
    if isinstance(expression, Labelled):
        return expression.within(reading, make)
    return make(expression(reading))
