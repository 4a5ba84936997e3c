"""What can be asked of a field, by its kind: one entry each, with the shape of its value and the condition it becomes."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, auto
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from ticket_export.views.dates import day_begins, resolve_span, resolve_stretch
from ticket_export.views.faults import ViewError, unknown
from ticket_export.views.fields import PRIORITY_RANK, Choices, Field, FieldKind
from ticket_export.views.literals import text, timestamp
from ticket_export.views.reading import Reading, said_of
from ticket_export.views.text_order import folded

LONGEST_TEXT = 1_000
MOST_VALUES = 200
# JSON in the database spells 1e30 out; what it gives back is compared with this again.
GREATEST_NUMBER = 10**30
_GREATEST_ID = 2**63 - 1
# NUL, and halves of UTF-16 pairs.
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")

# Groups of statuses that stand for their members; the names are the helpdesk's own for its two ends.
STATUS_GROUPS = {"__OPEN__": "{x} NOT IN ('closed', 'resolved')", "__CLOSED__": "{x} IN ('closed', 'resolved')"}


class Shape(Enum):
    """What an operator takes as its value."""

    NONE = auto()
    TEXT = auto()
    NUMBER = auto()
    CHOICE = auto()
    CHOICES = auto()
    DATE = auto()
    SPAN = auto()


@dataclass(frozen=True, slots=True)
class Moment:
    """What relative dates are counted from."""

    requested_at: datetime
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Operator:
    """One question: ``build`` gives the condition from the field's expression and the value as ``parse`` returned it.

    Every negative is its positive IS NOT TRUE, so that a missing value satisfies it.
    """

    name: str
    label: str
    shape: Shape
    build: Callable[[Reading, Field, Any], str]
    direction: int = 0


def _negative(operator: Operator, name: str, label: str) -> Operator:
    def build(reading: Reading, field: Field, value: Any) -> str:
        return f"({operator.build(reading, field, value)}) IS NOT TRUE"

    return Operator(name, label, operator.shape, build)


def _said(make: Callable[[str, Any], str]) -> Callable[[Reading, Field, Any], str]:
    return lambda reading, field, value: said_of(field.expression, reading, lambda x: make(x, value))


def _of_some_tag(make: Callable[[str, Any], str]) -> Callable[[Reading, Field, Any], str]:
    def build(reading: Reading, field: Field, value: Any) -> str:
        return f"EXISTS (SELECT FROM unnest({field.expression(reading)}) tag WHERE {make('tag', value)})"

    return build


def _equals(x: str, value: str) -> str:
    return f"{folded(x)} = {folded(text(value))}"


def _contains(x: str, value: str) -> str:
    return f"strpos({folded(x)}, {folded(text(value))}) > 0"


def _starts_with(x: str, value: str) -> str:
    return f"starts_with({folded(x)}, {folded(text(value))})"


def _ends_with(x: str, value: str) -> str:
    return f"right({folded(x)}, length({folded(text(value))})) = {folded(text(value))}"


_STRING = {
    "eq": ("neq", "equals", "does not equal", _equals),
    "contains": ("not_contains", "contains", "does not contain", _contains),
    "starts_with": ("not_starts_with", "starts with", "does not start with", _starts_with),
    "ends_with": ("not_ends_with", "ends with", "does not end with", _ends_with),
}


def _text_operators(
    said: Callable[[Callable[[str, Any], str]], Callable[[Reading, Field, Any], str]],
) -> list[Operator]:
    operators = []
    for name, (negative, label, negative_label, make) in _STRING.items():
        positive = Operator(name, label, Shape.TEXT, said(make))
        operators += [positive, _negative(positive, negative, negative_label)]
    return operators + _emptiness(said(lambda x, _: f"{x} <> ''"))


def _emptiness(present: Callable[[Reading, Field, Any], str]) -> list[Operator]:
    """The two questions for no value, under both of their names."""
    found = []
    for empty, filled in (("is_empty", "is_not_empty"), ("isnull", "isnotnull")):
        has_value = Operator(filled, "is not empty", Shape.NONE, present)
        found += [_negative(has_value, empty, "is empty"), has_value]
    return found


_NULL_OPERATORS = _emptiness(_said(lambda x, _: f"{x} IS NOT NULL"))


_ORDERED = (("gt", "greater than", ">"), ("lt", "less than", "<"), ("gte", "at least", ">="), ("lte", "at most", "<="))


def _whole_or_decimal(sign: str) -> Callable[[Reading, Field, Any], str]:
    def build(reading: Reading, field: Field, value: Any) -> str:
        type_ = "bigint" if field.whole else "numeric"
        return said_of(field.expression, reading, lambda x: f"{x} {sign} '{value}'::{type_}")

    return build


_NUMBER_EQ = Operator("eq", "equals", Shape.NUMBER, _whole_or_decimal("="))
_NUMBER_OPERATORS = [
    _NUMBER_EQ,
    _negative(_NUMBER_EQ, "neq", "does not equal"),
    *(Operator(name, label, Shape.NUMBER, _whole_or_decimal(sign)) for name, label, sign in _ORDERED),
    *_NULL_OPERATORS,
]


def member(x: str, field: Field, value: str) -> str:
    """Return the condition that the value is chosen, or for a group of statuses one of its members."""
    if field.choices is Choices.STATUSES and value in STATUS_GROUPS:
        return STATUS_GROUPS[value].replace("{x}", x)
    type_ = "uuid" if field.choices in {Choices.TEAMS, Choices.STAFF} else "text"
    return f"{x} = {text(value)}::{type_}"


def _is(reading: Reading, field: Field, value: str) -> str:
    return said_of(field.expression, reading, lambda x: member(x, field, value))


def _is_any_of(reading: Reading, field: Field, values: tuple[str, ...]) -> str:
    return said_of(field.expression, reading, lambda x: f"({' OR '.join(member(x, field, value) for value in values)})")


_IS = Operator("is", "is", Shape.CHOICE, _is)
_ANY_OF = Operator("is_any_of", "is any of", Shape.CHOICES, _is_any_of)
_CHOICE_OPERATORS = [
    _IS,
    _negative(_IS, "is_not", "is not"),
    _ANY_OF,
    _negative(_ANY_OF, "is_none_of", "is none of"),
]


def _ranked(sign: str) -> Callable[[Reading, Field, Any], str]:
    def build(reading: Reading, _field: Field, value: str) -> str:
        rank = reading.lookup("priorities", "max(r.sort_order)", f"r.developer_name = {text(value)}")
        return said_of(PRIORITY_RANK, reading, lambda x: f"{x} {sign} {rank}")

    return build


_RANK_OPERATORS = [Operator(name, label, Shape.CHOICE, _ranked(sign)) for name, label, sign in _ORDERED]


def _bound(value: date | datetime) -> str:
    return timestamp(value) if isinstance(value, datetime) else f"{text(value.isoformat())}::date"


def _dated(template: str) -> Callable[[Reading, Field, Any], str]:
    return _said(lambda x, ends: template.format(x=x, start=_bound(ends[0]), end=_bound(ends[1])))


_DATE_OPERATORS = [
    Operator("is", "is", Shape.DATE, _dated("({x} >= {start} AND {x} < {end})")),
    Operator("is_before", "is before", Shape.DATE, _dated("{x} < {start}")),
    Operator("is_after", "is after", Shape.DATE, _dated("{x} >= {end}")),
    Operator("is_on_or_before", "is on or before", Shape.DATE, _dated("{x} < {end}")),
    Operator("is_on_or_after", "is on or after", Shape.DATE, _dated("{x} >= {start}")),
    Operator("is_within_past", "is within the past", Shape.SPAN, _dated("{x} BETWEEN {start} AND {end}"), direction=-1),
    Operator("is_within_next", "is within the next", Shape.SPAN, _dated("{x} BETWEEN {start} AND {end}"), direction=1),
    *_NULL_OPERATORS,
]

_BOOLEAN_OPERATORS = [
    Operator("is_true", "is true", Shape.NONE, _said(lambda x, _: f"({x}) IS TRUE")),
    Operator("is_false", "is false", Shape.NONE, _said(lambda x, _: f"({x}) IS FALSE")),
]


def _named(operators: list[Operator]) -> dict[str, Operator]:
    return {operator.name: operator for operator in operators}


OPERATORS: dict[FieldKind, dict[str, Operator]] = {
    FieldKind.STRING: _named(_text_operators(_said)),
    FieldKind.TAGS: _named(_text_operators(_of_some_tag)),
    FieldKind.NUMBER: _named(_NUMBER_OPERATORS),
    FieldKind.SELECTION: _named([*_CHOICE_OPERATORS, *_NULL_OPERATORS]),
    FieldKind.PRIORITY: _named([*_CHOICE_OPERATORS, *_RANK_OPERATORS]),
    FieldKind.USER: _named([*_CHOICE_OPERATORS, *_NULL_OPERATORS]),
    FieldKind.DATE: _named(_DATE_OPERATORS),
    FieldKind.DAY: _named(_DATE_OPERATORS),
    FieldKind.BOOLEAN: _named(_BOOLEAN_OPERATORS),
}


def operators_of(field: Field) -> Mapping[str, Operator]:
    """Return what can be asked of the field; a selection that always has a value is not asked for none."""
    operators = OPERATORS[field.kind]
    if field.kind is FieldKind.SELECTION and not field.may_be_empty:
        return {name: operator for name, operator in operators.items() if operator.shape is not Shape.NONE}
    return operators


def find_operator(field: Field, name: str) -> Operator:
    """Return one of the field's operators; raise ViewError that lists them."""
    operators = operators_of(field)
    if name not in operators:
        raise unknown(f"for {field.name} the operator", name, operators)
    return operators[name]


def parse_value(field: Field, operator: Operator, value: Any, moment: Moment) -> Any:
    """Return the value as the operator's ``build`` takes it; raise ViewError for one of another shape."""
    match operator.shape:
        case Shape.NONE:
            if value is not None:
                raise ViewError(f"{operator.name} takes no value")
            return None
        case Shape.TEXT:
            return checked_text(value, LONGEST_TEXT)
        case Shape.NUMBER:
            return _number(field, value)
        case Shape.CHOICE:
            return _choice(field, value)
        case Shape.CHOICES:
            if not isinstance(value, list) or not 1 <= len(value) <= MOST_VALUES:
                raise ViewError(f"the value is a list of 1 to {MOST_VALUES} values")
            return tuple(_choice(field, each) for each in value)
        case Shape.DATE | Shape.SPAN:
            return _ends(field, operator, value, moment)


def checked_text(value: Any, longest: int) -> str:
    """Return a text of 1 to ``longest`` characters that PostgreSQL can hold; raise ViewError for anything else."""
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise ViewError(f"the value is a text of 1 to {longest:,} characters")
    if _NO_TEXT.search(value):
        raise ViewError("the value has a character that no text can hold (NUL or half of a pair)")
    return value


def _number(field: Field, value: Any) -> str:
    if field.whole:
        if type(value) is not int or not -_GREATEST_ID <= value <= _GREATEST_ID:
            raise ViewError("the value is a whole number of at most 19 digits")
        return str(value)
    # Compared before anything else is asked of it: a whole number may be too long for a float, or to be printed.
    if type(value) not in {int, float} or not -GREATEST_NUMBER < value < GREATEST_NUMBER:
        raise ViewError("the value is a number of at most 30 digits before the point")
    return repr(value)


def _choice(field: Field, value: Any) -> str:
    if field.choices in {Choices.TEAMS, Choices.STAFF}:
        return checked_id(value)
    chosen = checked_text(value, LONGEST_TEXT)
    if isinstance(field.choices, tuple) and chosen not in field.choices:
        raise unknown("value", chosen, field.choices)
    return chosen


def checked_id(value: Any) -> str:
    """Return an id in its usual form; raise ViewError for anything else."""
    try:
        return str(UUID(value))
    except (ValueError, TypeError, AttributeError) as error:
        raise ViewError("the value is an id, like 00000000-0000-0000-0000-000000000101") from error


def _ends(field: Field, operator: Operator, value: Any, moment: Moment) -> tuple[date, date]:
    """Return the two bounds: days for a field of days, instants for one of instants."""
    by_day = field.kind is FieldKind.DAY
    try:
        if operator.shape is Shape.SPAN:
            span = resolve_span(value, operator.direction, moment.requested_at, moment.zone)
            ends = (span.start, span.end)
            return (ends[0].astimezone(moment.zone).date(), ends[1].astimezone(moment.zone).date()) if by_day else ends
        stretch = resolve_stretch(value, moment.requested_at, moment.zone)
        if by_day:
            return stretch.first, stretch.end
        return day_begins(stretch.first, moment.zone), day_begins(stretch.end, moment.zone)
    except OverflowError as error:
        raise ViewError("the date is outside the years 1 to 9999") from error
