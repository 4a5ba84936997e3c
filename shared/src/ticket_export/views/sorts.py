"""The sorts that a view can have, one entry each, and how a missing value stands in them."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from ticket_export.views.columns import COLUMNS
from ticket_export.views.labels import PRIORITY, STATUS
from ticket_export.views.reading import Expression, labelled, plain
from ticket_export.views.text_order import ordered

Direction = Literal["asc", "desc"]


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison of an order; never NULL. ``fixed`` terms ascend whatever the direction of their level."""

    expression: Expression
    type: str
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class Sort:
    """A field that a view can be sorted by."""

    name: str
    label: str
    terms: tuple[Term, ...]


def _wrapped(expression: Expression, template: str) -> Expression:
    return lambda reading: template.replace("{x}", expression(reading))


class Nulls(Enum):
    """Where a missing value stands: the SQL that replaces it, the type, and whether it is last in both directions."""

    NONE_NUMBER = ("{x}", "bigint", False)
    NONE_INSTANT = ("{x}", "timestamptz", False)
    NONE_TEXT = (ordered("{x}"), "text", False)
    EMPTY_TEXT = (ordered("coalesce({x}, '')"), "text", False)
    LOWEST_INSTANT = ("coalesce({x}, '-infinity')", "timestamptz", False)
    HIGHEST_INSTANT = ("coalesce({x}, 'infinity')", "timestamptz", False)
    LAST_TEXT = (ordered("coalesce({x}, '')"), "text", True)
    LAST_NUMBER = ("coalesce({x}, 0)", "numeric", True)
    LAST_ID = ("coalesce({x}, '00000000-0000-0000-0000-000000000000')", "uuid", True)
    LAST_DAY = ("coalesce({x}, '0001-01-01')", "date", True)
    LAST_BOOLEAN = ("coalesce({x}, false)", "boolean", True)

    def terms(self, expression: Expression) -> tuple[Term, ...]:
        """Return the terms by which the expression is compared."""
        template, type_, last = self.value
        value = Term(_wrapped(expression, template), type_)
        missing = Term(_wrapped(expression, "(({x}) IS NULL)"), "boolean", fixed=True)
        return (missing, value) if last else (value,)


def _sort(name: str, nulls: Nulls, expression: Expression | None = None) -> Sort:
    """A sort by a column of the same name, unless told otherwise."""
    return Sort(name, COLUMNS[name].label, nulls.terms(expression or COLUMNS[name].expression))


_ALL = (
    _sort("id", Nulls.NONE_NUMBER),
    _sort("title", Nulls.NONE_TEXT),
    _sort("status", Nulls.LAST_NUMBER, labelled(STATUS, "{row}.sort_order")),
    _sort("priority", Nulls.LAST_NUMBER, labelled(PRIORITY, "{row}.sort_order")),
    _sort("category", Nulls.EMPTY_TEXT),
    _sort("language", Nulls.LAST_TEXT, plain("t.language")),
    _sort("creation_time", Nulls.NONE_INSTANT),
    _sort("last_modification_time", Nulls.LOWEST_INSTANT),
    _sort("closed_at", Nulls.LOWEST_INSTANT),
    _sort("sla_due_at", Nulls.HIGHEST_INSTANT),
    _sort("sla_status", Nulls.EMPTY_TEXT),
    _sort("assignee_id", Nulls.LAST_ID),
    _sort("assignee_name", Nulls.LAST_TEXT),
    _sort("created_by_staff_id", Nulls.LAST_ID),
    _sort("created_by_name", Nulls.LAST_TEXT),
    _sort("owning_team_id", Nulls.LAST_ID),
    _sort("owning_team_name", Nulls.LAST_TEXT),
    _sort("contact_id", Nulls.LAST_NUMBER),
    _sort("contact_name", Nulls.LAST_TEXT),
)

SORTS: dict[str, Sort] = {sort.name: sort for sort in _ALL}

Levels = tuple[tuple[str, Direction], ...]

NEWEST: Levels = (("creation_time", "desc"),)
NAMED_SORTS: dict[str, Levels] = {
    "newest": NEWEST,
    "oldest": (("creation_time", "asc"),),
    "priority": (("priority", "desc"), *NEWEST),
    "status": (("status", "asc"), *NEWEST),
    "assignee": (("owning_team_name", "asc"), ("assignee_name", "asc"), *NEWEST),
    "sla": (("sla_due_at", "asc"), *NEWEST),
}

# What people call them.
NAMED_SORT_LABELS = {
    "newest": "Newest first",
    "oldest": "Oldest first",
    "priority": "Most urgent first",
    "status": "By status",
    "assignee": "By team and assignee",
    "sla": "SLA due first",
}
