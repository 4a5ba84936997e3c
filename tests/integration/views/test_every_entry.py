"""Each entry of the reference list on PostgreSQL, and as the evaluator has it: tickets that are in, tickets that are out."""

from collections.abc import Iterator
from typing import Any

import pytest

from local_stack.servers import Servers
from support.installation import new_installation
from support.random_helpdesk import cases
from support.random_helpdesk.cases import Case, payload
from support.random_helpdesk.moments import IN_THE_SECOND_HOUR, MOVED_INSTANTS, REQUEST, REQUESTS
from support.random_helpdesk.past import Past, random_past
from support.random_helpdesk.payloads import PLAIN_PRESETS
from ticket_export.views.columns import COLUMNS
from ticket_export.views.custom import CUSTOM_TYPES
from ticket_export.views.dates import EXACT_DATE, PRESETS, UNITS
from ticket_export.views.fields import FIELDS, FieldKind
from ticket_export.views.operators import OPERATORS, STATUS_GROUPS
from ticket_export.views.quick import QUICK_FILTERS
from ticket_export.views.scopes import SCOPE_ALIASES, SCOPES
from ticket_export.views.search import FALLBACK, SEARCHABLE
from ticket_export.views.sorts import NAMED_SORTS, SORTS

LEAVING_OUT = [*cases.filter_cases(), *cases.date_cases(), *cases.scope_cases(), *cases.search_cases()]
DIRECTIONS = ("asc", "desc")
# Those without a value stand at the same end in both directions.
LAST = {
    "status",
    "priority",
    "language",
    "assignee_id",
    "assignee_name",
    "created_by_staff_id",
    "created_by_name",
    "owning_team_id",
    "owning_team_name",
    "contact_id",
    "contact_name",
    *cases.CUSTOM_OF_TYPE.values(),
}
NAMED_SORT_NAMES = ("newest", "oldest", "priority", "status", "assignee", "sla")


@pytest.fixture(scope="module")
def past(servers: Servers, template_database: str) -> Iterator[Past]:
    """One database and one snapshot for all cases."""
    with new_installation(servers, template_database) as installation, random_past(installation) as laid_out:
        yield laid_out


def same(past: Past, asked: dict[str, Any]) -> list[list[str]]:
    """Compare with the evaluator; return the rows."""
    expected, written = past.expected(asked, REQUEST), past.written(asked, REQUEST)
    assert written.header == expected.header
    assert written.rows == expected.rows
    assert written.count == len(expected.rows)
    return expected.rows


@pytest.mark.parametrize("case", LEAVING_OUT, ids=str)
def test_some_tickets_are_in_and_some_are_out(past: Past, case: Case) -> None:
    rows = same(past, case.payload)
    if case.two_sided:
        alive = sum(ticket["deleted_at"] is None for ticket in past.tables["tickets"])
        assert 0 < len(rows) < alive


@pytest.mark.parametrize("profile", ["spreadsheet", "machine"])
@pytest.mark.parametrize("name", cases.column_names())
def test_a_column_is_filled_for_some_and_not_for_all_the_same(past: Past, name: str, profile: str) -> None:
    rows = same(past, payload(columns=[name], profile=profile, time_zone="Asia/Kathmandu"))
    cells = {row[0] for row in rows}
    assert cells - {""}
    assert len(cells) > 1


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("name", cases.sort_names())
def test_a_sort_orders_what_has_a_value_and_what_has_none(past: Past, name: str, direction: str) -> None:
    sort, backwards = ([{"field": name, "direction": way}] for way in (direction, *({*DIRECTIONS} - {direction})))
    rows = same(past, payload(sort=sort))
    by_id = same(past, payload(sort=[{"field": "id", "direction": direction}]))
    assert (rows == by_id) == (name == "id")
    # What is last in both directions shows in that one is not the other, read backwards.
    other = past.expected(payload(sort=backwards), REQUEST).rows
    assert (rows == other[::-1]) == (name not in LAST)


@pytest.mark.parametrize("name", NAMED_SORT_NAMES)
def test_a_named_sort(past: Past, name: str) -> None:
    levels = [{"field": field, "direction": direction} for field, direction in NAMED_SORTS[name]]
    expected = past.expected(payload(sort=name), REQUEST)
    assert past.written(payload(sort=levels), REQUEST).rows == expected.rows
    others = [past.expected(payload(sort=other), REQUEST).ids for other in NAMED_SORT_NAMES if other != name]
    assert expected.ids not in others


@pytest.mark.parametrize(
    "members",
    [
        {"version": 2, "requester_id": cases.PERSON},
        {"version": 1, "scope": "open", "columns": ["id", "status"], "time_zone": "UTC", "profile": "spreadsheet"},
    ],
    ids=["nothing chosen", "version 1"],
)
def test_what_a_payload_leaves_out_has_its_default(past: Past, members: dict[str, Any]) -> None:
    assert same(past, members)


@pytest.mark.parametrize(("request_at", "zone"), REQUESTS, ids=[zone for _, zone in REQUESTS])
@pytest.mark.parametrize("preset", PLAIN_PRESETS)
def test_days_across_changes_of_the_clock(past: Past, request_at: Any, zone: str, preset: str) -> None:
    fields = ("creation_time", "last_modification_time", "closed_at", "resolved_at", "sla_due_at")
    conditions = [{"field": field, "operator": "is", "value": preset} for field in fields]
    asked = payload(filters=[{"all": [], "any": conditions}], time_zone=zone, columns=["id", *fields])
    assert past.written(asked, request_at).rows == past.expected(asked, request_at).rows


@pytest.mark.parametrize(("operator", "days", "near"), [("is_within_past", 364, 2023), ("is_within_next", 154, 2025)])
def test_a_wall_clock_moved_to_an_hour_that_comes_twice_or_never(
    past: Past, operator: str, days: int, near: int
) -> None:
    condition = {"field": "creation_time", "operator": operator, "value": {"amount": days, "unit": "days"}}
    asked = payload(columns=["creation_time"], filters=[{"all": [condition]}])
    rows = past.written(asked, IN_THE_SECOND_HOUR).rows
    assert rows == past.expected(asked, IN_THE_SECOND_HOUR).rows
    # Of the instants an hour apart around the end of the span, the middle one tells the two readings apart.
    found = {row[0] for row in rows if row[0].startswith(str(near))}
    all_of_them = {instant.isoformat(timespec="microseconds")[:-6] + "Z" for instant in MOVED_INSTANTS}
    outside = min(all_of_them) if near == 2023 else max(all_of_them)
    assert found == {text for text in all_of_them if text.startswith(str(near))} - {outside}


def test_what_may_be_missing_is_missing_somewhere(past: Past) -> None:
    alive = [ticket for ticket in past.tables["tickets"] if ticket["deleted_at"] is None]
    for name in alive[0].keys() - {"id", "title", "tags", "creation_time", "custom", "valid_from", "deleted_at"}:
        assert 0 < sum(ticket[name] is None for ticket in alive) < len(alive), name


def known(*kinds: str) -> set[tuple[str, ...]]:
    """Entries of the cases, without what tells cases of one entry apart."""
    lengths = {"filter": 3}
    return {case.entry[: lengths.get(case.entry[0], 2)] for case in LEAVING_OUT if case.entry[0] in kinds}


def operators_of(kind: FieldKind, *, may_be_empty: bool) -> set[str]:
    names = set(OPERATORS[kind])
    return names - {*cases.EMPTINESS} if kind is FieldKind.SELECTION and not may_be_empty else names


def test_every_entry_of_the_registries_has_a_case() -> None:
    filters = {
        ("filter", field.name, operator)
        for field in FIELDS.values()
        for operator in operators_of(field.kind, may_be_empty=field.may_be_empty)
    }
    filters |= {
        ("filter", cases.CUSTOM_OF_TYPE[name], operator)
        for name, custom in CUSTOM_TYPES.items()
        for operator in operators_of(custom.kind, may_be_empty=True)
    }
    assert known("filter") == filters
    assert known("preset") == {("preset", name) for name in (*PRESETS, EXACT_DATE)}
    assert known("unit") == {("unit", name) for name in UNITS}
    assert known("scope") == {("scope", name) for name in (*SCOPES, *SCOPE_ALIASES)}
    assert known("quick filter") == {("quick filter", name) for name in QUICK_FILTERS}
    assert known("search") == {("search", name) for name in SEARCHABLE}
    assert known("search of nothing selected") == {("search of nothing selected", name) for name in FALLBACK}
    assert {*cases.column_names()} - {f"custom.{key}" for key in cases.CUSTOM_FIELDS} == {*COLUMNS}
    assert {*cases.sort_names()} == {*SORTS, *(cases.CUSTOM_OF_TYPE[name] for name in CUSTOM_TYPES)}
    assert {*NAMED_SORT_NAMES} == {*NAMED_SORTS}
    assert {*STATUS_GROUPS} == {"__OPEN__", "__CLOSED__"}
