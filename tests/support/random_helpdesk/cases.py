"""A payload for every entry of the reference list, over the random helpdesk."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from support.evaluator.fields import KINDS
from support.random_helpdesk import vocabulary as words
from support.random_helpdesk.moments import BERLIN
from support.random_helpdesk.payloads import COLUMNS, PLAIN_PRESETS, SCOPES, SORTS

Entry = tuple[str, ...]
Payload = dict[str, Any]

EMPTINESS = ("is_empty", "is_not_empty", "isnull", "isnotnull")
# Nobody's id or creation time is missing.
ONE_SIDED = {(field, operator) for field in ("id", "creation_time") for operator in EMPTINESS}
TEAM, OTHER_TEAM = (str(team) for team in words.TEAMS[:2])
PERSON, OTHER_PERSON = (str(person) for person in words.STAFF[1:3])
CUSTOM_FIELDS = {key: {"label": label, "type": kind} for key, label, kind in words.CUSTOM_FIELDS}
CUSTOM_OF_TYPE = {
    "text": "custom.location",
    "number": "custom.cost",
    "date": "custom.due",
    "boolean": "custom.vip",
    "select": "custom.region",
}
SEARCHES = {
    "title": "FUND",
    "description": "strasse",
    "category": "100%",
    "status": "arbeit",
    "priority": "-mä",
    "id": "0010",
    "contact_id": "700",
    "contact_name": "refund",
    "assignee_name": "ADA  l",
    "owning_team_name": "ÄRZ",
    "created_by_name": "lovelace",
    "tags": ", v",
}
# With nothing searchable selected.
FALLBACK_SEARCHES = {
    "title": "snake_c",
    "description": "ΟΔΟΣ",
    "id": "10009",
    "contact_id": "70",
    "contact_name": "refund refund",
}
_STRINGS = {"eq": "REFUND", "contains": "FUN", "starts_with": "rE", "ends_with": "D"}
_TAGS = {"eq": "billing", "contains": "ILL", "starts_with": "vip", "ends_with": "GOLD"}
_CHOICES = {
    "status": ["new", "done"],
    "status_type": ["open"],
    "language": ["en", "tr"],
    "owning_team_id": [TEAM, OTHER_TEAM],
    "sla_status": ["breached", "completed"],
    "priority": ["normal", "urgent"],
    "assignee_id": [PERSON, OTHER_PERSON],
    "created_by_staff_id": [PERSON, OTHER_PERSON],
    "custom.region": ["north", "5"],
}
_NUMBERS = {"id": 100_050, "contact_id": 100_020, "custom.cost": 1.5}
_NOTHING: list[Payload] = [{}]
_COMPARISONS = ("eq", "neq", "gt", "lt", "gte", "lte")
_DATE_COMPARISONS = ("is", "is_before", "is_after", "is_on_or_before", "is_on_or_after")
_PRESETS: dict[str, Any] = {
    **{name: name for name in PLAIN_PRESETS},
    "days_ago": {"preset": "days_ago", "amount": 1},
    "days_from_now": {"preset": "days_from_now", "amount": 1},
    "exact_date": {"preset": "exact_date", "date": "2024-03-30"},
}
_QUICK_FILTERS: dict[str, tuple[Any, ...]] = {
    "status": ("new", "__OPEN__", "__CLOSED__"),
    "status_type": ("open", "closed"),
    "priority": ("moderate",),
    "team_id": (TEAM,),
    "contact_id": (100_020,),
    "created_by_id": (PERSON,),
    "snooze": ("snoozed", "not_snoozed"),
    "assignee_id": (
        PERSON,
        "unassigned",
        f"team:{TEAM}",
        f"team:{TEAM}:unassigned",
        f"team:{TEAM}:assignee:{PERSON}",
    ),
}


@dataclass(frozen=True)
class Case:
    """An entry, what to ask, and whether some tickets must be in and some out."""

    entry: Entry
    payload: Payload
    two_sided: bool = True

    def __str__(self) -> str:
        return "-".join(self.entry)


def payload(**members: Any) -> Payload:
    """A complete payload, all tickets unless told otherwise."""
    return {
        "version": 2,
        "scope": "all",
        "columns": ["id"],
        "filters": [],
        "quick_filters": {},
        "search": None,
        "sort": [{"field": "id", "direction": "asc"}],
        "time_zone": BERLIN,
        "profile": "machine",
        "delimiter": ",",
        "requester_id": PERSON,
        "requester_team_ids": [TEAM, OTHER_TEAM],
        "custom_fields": CUSTOM_FIELDS,
        **members,
    }


def filter_cases() -> Iterator[Case]:
    """Every field with every operator."""
    for field, kind in _kinds():
        for operator, operands in _operands(field, kind):
            for place, operand in enumerate(operands):
                condition = {"field": field, "operator": operator, **operand}
                asked = payload(filters=[{"all": [condition], "any": []}])
                two_sided = (field, operator) not in ONE_SIDED
                yield Case(("filter", field, operator, str(place)), asked, two_sided)


def _kinds() -> Iterator[tuple[str, str]]:
    for kind, fields in KINDS.items():
        yield from ((field, kind) for field in fields)
    kinds = {"text": "string", "select": "custom select"}
    yield from ((field, kinds.get(kind, kind)) for kind, field in CUSTOM_OF_TYPE.items())


def _operands(field: str, kind: str) -> Iterator[tuple[str, list[Payload]]]:
    """Operators, and for each the conditions' further members."""
    match kind:
        case "string" | "tags":
            yield from _of_texts(_TAGS if kind == "tags" else _STRINGS)
        case "number":
            yield from ((operator, [{"value": _NUMBERS[field]}]) for operator in _COMPARISONS)
        case "date":
            yield from _of_dates()
        case "boolean":
            yield from ((operator, _NOTHING) for operator in ("is_true", "is_false"))
        case _:
            yield from _of_choices(_CHOICES[field], meta=kind == "status", ranked=kind == "priority")
    if kind in {"string", "tags", "number", "date", "selection of staff", "custom select"} or field == "owning_team_id":
        yield from ((operator, _NOTHING) for operator in EMPTINESS)


def _of_texts(texts: dict[str, str]) -> Iterator[tuple[str, list[Payload]]]:
    for operator, text in texts.items():
        yield operator, [{"value": text}]
        yield "neq" if operator == "eq" else f"not_{operator}", [{"value": text}]


def _of_choices(choices: list[str], *, meta: bool, ranked: bool) -> Iterator[tuple[str, list[Payload]]]:
    one = [choices[0], *(("__OPEN__", "__CLOSED__") if meta else ())]
    several = [choices, *([["new", "__CLOSED__"], ["__OPEN__"], ["__CLOSED__"]] if meta else ())]
    yield from ((operator, [{"value": value} for value in one]) for operator in ("is", "is_not"))
    yield from ((operator, [{"value": value} for value in several]) for operator in ("is_any_of", "is_none_of"))
    if ranked:
        yield from ((operator, [{"value": "normal"}]) for operator in ("gt", "lt", "gte", "lte"))


def _of_dates() -> Iterator[tuple[str, list[Payload]]]:
    yield from ((operator, [{"value": "2024-03-30"}, {"value": "today"}]) for operator in _DATE_COMPARISONS)
    spans = [{"value": {"amount": 2, "unit": unit}} for unit in ("hours", "days", "months")]
    yield from ((operator, spans) for operator in ("is_within_past", "is_within_next"))


def date_cases() -> Iterator[Case]:
    """Every preset and unit, for instants and for days."""
    for field in ("creation_time", "custom.due"):
        for name, value in _PRESETS.items():
            for operator in _DATE_COMPARISONS:
                condition = {"field": field, "operator": operator, "value": value}
                # Few days have a custom field: of some presets there is none.
                two_sided = field == "creation_time" or operator != "is"
                yield Case(("preset", name, field, operator), payload(filters=[{"all": [condition]}]), two_sided)
        for unit in ("hours", "days", "months"):
            for operator in ("is_within_past", "is_within_next"):
                condition = {"field": field, "operator": operator, "value": {"amount": 1, "unit": unit}}
                yield Case(("unit", unit, field, operator), payload(filters=[{"all": [condition]}]))


def scope_cases() -> Iterator[Case]:
    """Every scope, alone and with every snooze; every quick filter in its forms."""
    for scope in SCOPES:
        # Soft-deleted tickets, which are out of everything, are not looked at here.
        yield Case(("scope", scope), payload(scope=scope), scope != "all")
        for snooze in ("snoozed", "not_snoozed", "any"):
            asked = payload(scope=scope, quick_filters={"snooze": snooze})
            yield Case(("scope with snooze", scope, snooze), asked, two_sided=False)
    for name, values in _QUICK_FILTERS.items():
        for value in values:
            yield Case(("quick filter", name, str(value)), payload(quick_filters={name: value}))
    yield Case(("quick filter", "snooze", "any"), payload(scope="open", quick_filters={"snooze": "any"}))


def search_cases() -> Iterator[Case]:
    """Every searchable column alone, and every place that is searched with none of them selected."""
    for column, text in SEARCHES.items():
        yield Case(("search", column), payload(columns=[column], search=text))
    for column, text in FALLBACK_SEARCHES.items():
        yield Case(("search of nothing selected", column), payload(columns=["language"], search=text))


def column_names() -> list[str]:
    """Every column, and one custom one of each type, and those with awkward keys."""
    return [*COLUMNS, *(f"custom.{key}" for key in CUSTOM_FIELDS)]


def sort_names() -> list[str]:
    """Every sort, and one custom one of each type."""
    return [*SORTS, *CUSTOM_OF_TYPE.values()]
