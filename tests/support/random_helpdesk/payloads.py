"""Hypothesis strategies for payloads over the random helpdesk's own values."""

from datetime import date
from typing import Any, TypeAlias

from hypothesis import strategies as st

from support.random_helpdesk import vocabulary as words
from support.random_helpdesk.moments import REQUESTS, ZONES

Payload: TypeAlias = dict[str, Any]
Strategy: TypeAlias = st.SearchStrategy[Any]

_STRING_FIELDS = (
    "title",
    "description",
    "category",
    "tags",
    "contact.first_name",
    "contact.last_name",
    "contact.email",
    "contact.phone",
    "contact.organization_account",
)
_DATE_FIELDS = ("creation_time", "last_modification_time", "closed_at", "resolved_at", "sla_due_at")
_BOOLEAN_FIELDS = (
    "sla_breached",
    "has_contact",
    "has_attachments",
    "has_comments",
    "is_snoozed",
    "has_tasks",
    "has_incomplete_tasks",
)
COLUMNS = (
    *("id", "title", "status", "priority", "language", "category", "assignee_name", "owning_team_name"),
    *("contact_id", "contact_name", "sla_status", "sla_due_at", "creation_time", "last_modification_time"),
    *("closed_at", "tags", "created_by_name", "description", "is_snoozed", "snoozed_until", "tasks"),
    *("contact_email", "contact_first_name", "contact_last_name", "assignee_id", "owning_team_id"),
    *("created_by_staff_id", "resolved_at"),
)
SORTS = (
    *("id", "title", "status", "priority", "category", "language", "creation_time", "last_modification_time"),
    *("closed_at", "sla_due_at", "sla_status", "assignee_id", "assignee_name", "created_by_staff_id"),
    *("created_by_name", "owning_team_id", "owning_team_name", "contact_id", "contact_name"),
)
SCOPES = (
    *("all", "open", "closed", "recently_closed", "snoozed", "unassigned", "my_tickets", "created_by_me"),
    *("team_tickets", "following", "overdue"),
)
PLAIN_PRESETS = (
    *("today", "yesterday", "tomorrow", "this_week", "last_week", "next_week"),
    *("this_month", "last_month", "next_month"),
)
_STAFF = [str(person) for person in words.STAFF[:-1]]
_TEAMS = [str(team) for team in words.TEAMS[:-1]]
_STATUSES = [*words.STATUSES, "__OPEN__", "__CLOSED__"]
_PRIORITIES = list(words.PRIORITIES)
_WHOLE_TEXTS = [text for text in (*words.TEXTS, *words.TAGS) if text and len(text) < 100]


@st.composite
def _pieces(draw: st.DrawFn) -> str:
    """A part of a text that occurs, in whatever case."""
    text = draw(st.sampled_from(_WHOLE_TEXTS))
    start = draw(st.integers(0, len(text) - 1))
    piece = text[start : draw(st.integers(start + 1, len(text)))]
    return draw(st.sampled_from((piece, piece.upper(), piece.lower(), piece.title())))


_texts: Strategy = st.sampled_from(_WHOLE_TEXTS) | _pieces()


def _one_or_several(values: list[str], *, empty: bool = False) -> Strategy:
    one = st.tuples(st.sampled_from(("is", "is_not")), st.sampled_from(values))
    lists = st.lists(st.sampled_from(values), min_size=1, max_size=4, unique=True)
    several = st.tuples(st.sampled_from(("is_any_of", "is_none_of")), lists)
    return one | several | _emptiness() if empty else one | several


def _emptiness() -> Strategy:
    return st.tuples(st.sampled_from(("is_empty", "is_not_empty", "isnull", "isnotnull")))


def _strings() -> Strategy:
    names = ("eq", "neq", "contains", "not_contains", "starts_with", "not_starts_with", "ends_with", "not_ends_with")
    return st.tuples(st.sampled_from(names), _texts) | _emptiness()


def _numbers(values: Strategy) -> Strategy:
    return st.tuples(st.sampled_from(("eq", "neq", "gt", "lt", "gte", "lte")), values) | _emptiness()


def _days() -> Strategy:
    near = st.sampled_from(REQUESTS).map(lambda pair: pair[0].date().toordinal())
    return st.builds(lambda centre, days: date.fromordinal(centre + days).isoformat(), near, st.integers(-8, 8))


def _dates() -> Strategy:
    amounts = st.sampled_from(("days_ago", "days_from_now"))
    values = (
        _days()
        | st.sampled_from(PLAIN_PRESETS)
        | st.builds(lambda name, amount: {"preset": name, "amount": amount}, amounts, st.integers(0, 40))
        | st.builds(lambda day: {"preset": "exact_date", "date": day}, _days())
    )
    spans = st.builds(
        lambda amount, unit: {"amount": amount, "unit": unit},
        st.integers(1, 50),
        st.sampled_from(("hours", "days", "months")),
    )
    compared = st.tuples(st.sampled_from(("is", "is_before", "is_after", "is_on_or_before", "is_on_or_after")), values)
    return compared | st.tuples(st.sampled_from(("is_within_past", "is_within_next")), spans) | _emptiness()


def _priorities() -> Strategy:
    compared = st.tuples(st.sampled_from(("gt", "lt", "gte", "lte")), st.sampled_from(_PRIORITIES))
    return _one_or_several(_PRIORITIES) | compared


_BOOLEANS: Strategy = st.tuples(st.sampled_from(("is_true", "is_false")))
_COSTS: Strategy = st.sampled_from((0, 1.5, -12.5, 100, 1000, 9.99, 12345678901234567890.123, 12, -1))
_FIELDS: tuple[tuple[tuple[str, ...], Strategy], ...] = (
    (_STRING_FIELDS, _strings()),
    (("id",), _numbers(st.sampled_from(words.TICKETS) | st.integers(-5, 2**63 - 1))),
    (("contact_id",), _numbers(st.sampled_from(words.CONTACTS))),
    (("status",), _one_or_several(_STATUSES)),
    (("language",), _one_or_several(list(words.LANGUAGES))),
    (("sla_status",), _one_or_several(list(words.SLA_STATUSES))),
    (("status_type",), _one_or_several(["open", "closed"])),
    (("owning_team_id",), _one_or_several(_TEAMS, empty=True)),
    (("priority",), _priorities()),
    (("assignee_id", "created_by_staff_id"), _one_or_several(_STAFF, empty=True)),
    (_DATE_FIELDS, _dates()),
    (_BOOLEAN_FIELDS, _BOOLEANS),
)
_BY_CUSTOM_TYPE: dict[str, Strategy] = {
    "text": _strings(),
    "essay": _strings(),
    "number": _numbers(_COSTS),
    "date": _dates(),
    "boolean": _BOOLEANS,
    "select": _one_or_several(["north", "North", "5", "true", "Straße", "it's"], empty=True),
}


@st.composite
def conditions(draw: st.DrawFn, custom_fields: dict[str, dict[str, str]]) -> Payload:
    """Draw a condition on a field of any kind."""
    custom = [((f"custom.{key}",), _BY_CUSTOM_TYPE[field["type"]]) for key, field in custom_fields.items()]
    fields, operators = draw(st.sampled_from([*_FIELDS, *custom]))
    name, *value = draw(operators)
    return {"field": draw(st.sampled_from(fields)), "operator": name, **({"value": value[0]} if value else {})}


def _quick_filters() -> Strategy:
    teams, staff = st.sampled_from(_TEAMS), st.sampled_from(_STAFF)
    assignees = (
        staff
        | st.just("unassigned")
        | teams.map("team:{}".format)
        | teams.map("team:{}:unassigned".format)
        | st.builds("team:{}:assignee:{}".format, teams, staff)
    )
    members = {
        "status": st.sampled_from(_STATUSES),
        "status_type": st.sampled_from(("open", "closed")),
        "priority": st.sampled_from(_PRIORITIES),
        "team_id": teams,
        "contact_id": st.sampled_from(words.CONTACTS),
        "created_by_id": staff,
        "assignee_id": assignees,
        "snooze": st.sampled_from(("snoozed", "not_snoozed", "any")),
    }
    chosen = st.sets(st.sampled_from(sorted(members)), max_size=2)
    return chosen.flatmap(lambda names: st.fixed_dictionaries({name: members[name] for name in sorted(names)}))


@st.composite
def payloads(draw: st.DrawFn) -> Payload:
    """Draw a complete payload; its custom fields have types that their values often are not of."""
    custom_fields = {
        key: {"label": label, "type": draw(st.sampled_from((kind, kind, *words.CUSTOM_TYPES)))}
        for key, label, kind in words.CUSTOM_FIELDS
    }
    custom = [f"custom.{key}" for key in custom_fields]
    names = draw(st.lists(st.sampled_from([*COLUMNS, *custom]), min_size=1, max_size=8, unique=True))
    levels = draw(st.lists(st.sampled_from([*SORTS, *custom]), min_size=1, max_size=4, unique=True))
    some = st.lists(conditions(custom_fields), max_size=3)
    groups = st.fixed_dictionaries({"all": st.lists(conditions(custom_fields), max_size=2), "any": some})
    return {
        "version": 2,
        "scope": draw(st.sampled_from(("all", "all", "all", "open", *SCOPES))),
        "columns": list(dict.fromkeys(["id", *names] if draw(st.integers(0, 4)) else names)),
        "filters": draw(st.lists(groups, max_size=2)),
        "quick_filters": draw(st.one_of(st.just({}), st.just({}), _quick_filters())),
        "search": draw(st.none() | st.none() | st.none() | _texts.map(str.strip).filter(bool)),
        "sort": [{"field": field, "direction": draw(st.sampled_from(("asc", "desc")))} for field in levels],
        "time_zone": draw(st.sampled_from(ZONES)),
        "profile": draw(st.sampled_from(("spreadsheet", "machine"))),
        "delimiter": draw(st.sampled_from((",", ";", "\t"))),
        "requester_id": draw(st.sampled_from(_STAFF)),
        "requester_team_ids": sorted(draw(st.sets(st.sampled_from(_TEAMS), max_size=3))),
        "custom_fields": custom_fields,
    }
