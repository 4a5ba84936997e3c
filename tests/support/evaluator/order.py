"""The order of tickets: level by level, the last level first, since Python's sort is stable."""

from collections.abc import Callable
from typing import Any

from support.evaluator.columns import text_of
from support.evaluator.helpdesk import Row
from support.evaluator.view import CUSTOM, View

_NEWEST = [("creation_time", "desc")]
NAMED = {
    "newest": _NEWEST,
    "oldest": [("creation_time", "asc")],
    "priority": [("priority", "desc"), *_NEWEST],
    "status": [("status", "asc"), *_NEWEST],
    "assignee": [("owning_team_name", "asc"), ("assignee_name", "asc"), *_NEWEST],
    "sla": [("sla_due_at", "asc"), *_NEWEST],
}
# Where tickets without a value stand; the others' stand last in both directions.
_LOWEST = {"last_modification_time", "closed_at"}
_HIGHEST = {"sla_due_at"}
_PLACES = {"status": "statuses", "priority": "priorities"}
_AS_EMPTY_TEXT = {"category", "sla_status"}
_TEXTS = {"title", "language"}


def ordered(view: View, tickets: list[Row]) -> list[Row]:
    """The tickets as the payload's sort has them, ending in id in the direction of the first level."""
    levels = levels_of(view)
    result = sorted(tickets, key=lambda ticket: ticket["id"], reverse=levels[0][1] == "desc")
    for field, direction in reversed(levels):
        result = _sorted(result, _key(view, field), field, descending=direction == "desc")
    return result


def levels_of(view: View) -> list[tuple[str, str]]:
    """Field and direction of each level."""
    sort = view.payload.get("sort") or "newest"
    if isinstance(sort, str):
        return NAMED[sort]
    return [(level["field"], level["direction"]) for level in sort]


def _sorted(tickets: list[Row], key: Callable[[Row], Any], field: str, *, descending: bool) -> list[Row]:
    valued = [(key(ticket), ticket) for ticket in tickets]
    missing = [ticket for value, ticket in valued if value is None]
    present = [pair for pair in valued if pair[0] is not None]
    present.sort(key=lambda pair: pair[0], reverse=descending)
    first = descending if field in _HIGHEST else not descending and field in _LOWEST
    found = [ticket for _, ticket in present]
    return missing + found if first else found + missing


def _key(view: View, field: str) -> Callable[[Row], Any]:
    """What a level compares; None for no value."""
    if field.startswith(CUSTOM):
        return lambda ticket: _rank(view, view.custom_value(ticket, field))
    if field in _PLACES:
        return lambda ticket: _sort_order(getattr(view.desk, _PLACES[field]).get(ticket[field]))
    if field.endswith("_name"):
        return lambda ticket: _rank(view, text_of(view, ticket, field) or None)
    if field in _AS_EMPTY_TEXT:
        return lambda ticket: _rank(view, ticket[field] or "")
    return lambda ticket: _rank(view, ticket[field]) if field in _TEXTS else ticket[field]


def _rank(view: View, value: Any) -> Any:
    """A text's place in the ICU root order; anything else as it is."""
    return view.strings.rank(value) if isinstance(value, str) else value


def _sort_order(row: Row | None) -> Any:
    return row["sort_order"] if row else None
