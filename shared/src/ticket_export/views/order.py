"""A view's total order: ORDER BY, and the comparison with a place in it by which pages are cut. Never OFFSET."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ticket_export.views.literals import text
from ticket_export.views.reading import Reading
from ticket_export.views.sorts import SORTS, Direction, Levels, Sort

Place = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Step:
    expression: str
    type: str
    descending: bool

    def literal(self, value: str) -> str:
        """The value is quoted also when it is a number: a bare minus binds weaker than the cast."""
        return f"{text(value)}::{self.type}"


@dataclass(frozen=True, slots=True)
class Order:
    """The order of one statement; a place in it is the text of each step's value, as PostgreSQL prints it."""

    steps: tuple[_Step, ...]

    def by(self, *, backwards: bool = False) -> str:
        """Return what stands after ORDER BY."""
        return ", ".join(f"{s.expression} {'DESC' if s.descending != backwards else 'ASC'}" for s in self.steps)

    @property
    def key(self) -> str:
        """The expression that gives a ticket's place, text[]."""
        return f"ARRAY[{', '.join(f'({step.expression})::text' for step in self.steps)}]"

    def beyond(self, place: Sequence[str], *, backwards: bool = False) -> str:
        """Return the condition that a ticket comes after the place (backwards: before it).

        Steps in one direction are one row comparison, which an index can answer; mixed ones are spelled out.
        Raises ValueError for a place of another order.
        """
        if len(place) != len(self.steps):
            raise ValueError("the place belongs to another order")
        pairs = list(zip(self.steps, place, strict=True))
        if len({step.descending for step in self.steps}) == 1:
            sign = "<" if self.steps[0].descending != backwards else ">"
            ours, theirs = ", ".join(s.expression for s in self.steps), ", ".join(s.literal(v) for s, v in pairs)
            return f"({ours}) {sign} ({theirs})"
        condition = ""
        for step, value in reversed(pairs):
            sign = "<" if step.descending != backwards else ">"
            here = f"{step.expression} {sign} {step.literal(value)}"
            tied = f" OR ({step.expression} = {step.literal(value)} AND {condition})" if condition else ""
            condition = f"({here}{tied})"
        return condition


def order_of(reading: Reading, levels: Levels, sorts: Mapping[str, Sort] = SORTS) -> Order:
    """Return the order of these levels, ended by id in the direction of the first."""
    steps: list[_Step] = []
    for name, direction in with_id(levels):
        for term in sorts[name].terms:
            descending = direction == "desc" and not term.fixed
            steps.append(_Step(term.expression(reading), term.type, descending))
    return Order(tuple(steps))


def with_id(levels: Levels) -> Levels:
    """Return the levels up to and including id, which makes the order total."""
    names = [name for name, _ in levels]
    if "id" in names:
        return levels[: names.index("id") + 1]
    direction: Direction = levels[0][1]
    return (*levels, ("id", direction))
