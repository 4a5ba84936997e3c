"""Whether a ticket satisfies a condition, a group, and all groups of a payload."""

import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from support.evaluator import days
from support.evaluator.fields import CONTACT, kind_of, value_of
from support.evaluator.helpdesk import Row
from support.evaluator.view import View

Condition = dict[str, Any]
_SAME = {"isnull": "is_empty", "isnotnull": "is_not_empty"}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "gt": operator.gt,
    "lt": operator.lt,
    "gte": operator.ge,
    "lte": operator.le,
}
_MATCH: dict[str, Callable[[str, str], bool]] = {
    "eq": operator.eq,
    "contains": operator.contains,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
}
_NEGATIVES = {"neq": "eq", **{"not_" + name: name for name in ("contains", "starts_with", "ends_with")}}
_CLOSED = {"closed", "resolved"}


def satisfies(view: View, ticket: Row) -> bool:
    """Whether every group holds."""
    return all(_group(view, ticket, group) for group in view.payload.get("filters") or [])


def _group(view: View, ticket: Row, group: dict[str, list[Condition]]) -> bool:
    every, some = group.get("all") or [], group.get("any") or []
    if not all(holds(view, ticket, condition) for condition in every):
        return False
    return not some or any(holds(view, ticket, condition) for condition in some)


def holds(view: View, ticket: Row, condition: Condition) -> bool:
    """Whether one condition does."""
    field, name = str(condition["field"]), str(condition["operator"])
    if field.startswith(CONTACT) and view.desk.contact_of(ticket) is None:
        return False
    value, operand = value_of(view, ticket, field), condition.get("value")
    judge = _JUDGES[kind_of(view, field)]
    return judge(view, value, _SAME.get(name, name), operand)


def _string(view: View, value: str | None, name: str, operand: Any) -> bool:
    return _texts(view, [] if value is None else [value], name, operand)


def _texts(view: View, values: list[str], name: str, operand: Any) -> bool:
    """Positives hold for any of the texts, negatives for none; no text at all satisfies the negatives."""
    if name in {"is_empty", "is_not_empty"}:
        return any(value != "" for value in values) == (name == "is_not_empty")
    if name in _NEGATIVES:
        return not _texts(view, values, _NEGATIVES[name], operand)
    sought = view.strings.lower(operand)
    return any(_MATCH[name](view.strings.lower(value), sought) for value in values)


def _number(_view: View, value: Any, name: str, operand: Any) -> bool:
    if name in {"is_empty", "is_not_empty"}:
        return (value is None) == (name == "is_empty")
    if name == "neq":
        return value is None or Decimal(value) != Decimal(str(operand))
    return value is not None and _COMPARE[name](Decimal(value), Decimal(str(operand)))


def _selection(_view: View, value: str | None, name: str, operand: Any) -> bool:
    return _chosen(value, name, operand, lambda member: value == member)


def _status(_view: View, value: str | None, name: str, operand: Any) -> bool:
    return _chosen(value, name, operand, lambda member: status_is(value, member))


def status_is(status: str | None, sought: str) -> bool:
    """Whether a stored status is the one sought, or of the sought meta value."""
    if sought in {"__OPEN__", "__CLOSED__"}:
        return status is not None and (status in _CLOSED) == (sought == "__CLOSED__")
    return status == sought


def _chosen(value: str | None, name: str, operand: Any, is_member: Callable[[str], bool]) -> bool:
    match name:
        case "is_empty" | "is_not_empty":
            return (value is None) == (name == "is_empty")
        case "is" | "is_not":
            return is_member(operand) == (name == "is")
        case "is_any_of" | "is_none_of":
            return any(map(is_member, operand)) == (name == "is_any_of")
    raise KeyError(name)


def _priority(view: View, value: str | None, name: str, operand: Any) -> bool:
    if name not in _COMPARE:
        return _selection(view, value, name, operand)
    place, sought = view.desk.priorities.get(value or ""), view.desk.priorities.get(operand)
    return place is not None and sought is not None and _COMPARE[name](place["sort_order"], sought["sort_order"])


def _boolean(_view: View, value: bool | None, name: str, _operand: Any) -> bool:
    return value is (name == "is_true")


def _date(view: View, value: Any, name: str, operand: Any) -> bool:
    if name in {"is_empty", "is_not_empty"} or value is None:
        return (value is None) == (name == "is_empty")
    if name in {"is_within_past", "is_within_next"}:
        sign = -1 if name == "is_within_past" else 1
        there = days.moved(view.requested_at, sign * int(operand["amount"]), operand["unit"], view.zone)
        earliest, latest = sorted((there, view.requested_at))
        return bool(earliest <= value <= latest)
    stretch = days.stretch_of(operand, view.requested_at, view.zone)
    begins = days.beginning(stretch.first, view.zone)
    return _compared(value, name, begins, days.beginning(stretch.last + days.ONE_DAY, view.zone))


def _custom_date(view: View, value: Any, name: str, operand: Any) -> bool:
    if name in {"is_empty", "is_not_empty"} or value is None:
        return (value is None) == (name == "is_empty")
    if name in {"is_within_past", "is_within_next"}:
        sign = -1 if name == "is_within_past" else 1
        there = days.moved(view.requested_at, sign * int(operand["amount"]), operand["unit"], view.zone)
        ends = (instant.astimezone(view.zone).date() for instant in (there, view.requested_at))
        earliest, latest = sorted(ends)
        return bool(earliest <= value <= latest)
    stretch = days.stretch_of(operand, view.requested_at, view.zone)
    return _compared(value.toordinal(), name, stretch.first.toordinal(), stretch.last.toordinal() + 1)


def _compared(value: Any, name: str, begins: Any, ends: Any) -> bool:
    """Compare with a stretch that ends just before ``ends``."""
    return bool(
        {
            "is": begins <= value < ends,
            "is_before": value < begins,
            "is_after": value >= ends,
            "is_on_or_before": value < ends,
            "is_on_or_after": value >= begins,
        }[name]
    )


_JUDGES: dict[str, Callable[[View, Any, str, Any], bool]] = {
    "string": _string,
    "tags": _texts,
    "number": _number,
    "selection": _selection,
    "selection of staff": _selection,
    "status": _status,
    "priority": _priority,
    "boolean": _boolean,
    "date": _date,
    "custom date": _custom_date,
}
