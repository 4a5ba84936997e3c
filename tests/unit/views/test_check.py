"""Everything that is wrong with a view is said at once: where it is, and what would be allowed."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from ticket_export.views.check import Helpdesk, check_definition, check_time_zone, staff_ids
from ticket_export.views.compile import compile_view
from ticket_export.views.custom import CUSTOM_TYPES, CustomField
from ticket_export.views.faults import ViewError, pointer, unknown
from ticket_export.views.fields import FIELDS, Choices
from ticket_export.views.operators import Moment, Shape, operators_of
from ticket_export.views.payload import ViewDefinition
from ticket_export.views.quick import QUICK_FILTERS
from ticket_export.views.resolve import Presentation, Requester, resolve
from ticket_export.views.scopes import scope_names
from ticket_export.views.sorts import NAMED_SORTS, SORTS

TEAM, STAFF, NOBODY = (f"00000000-0000-0000-0000-00000000000{digit}" for digit in (1, 2, 9))
HELPDESK = Helpdesk(
    choices={
        Choices.STATUSES: {"new": "Label", "closed": "Label"},
        Choices.PRIORITIES: {"low": "Label", "high": "Label"},
        Choices.LANGUAGES: {"en": "Label"},
        Choices.TEAMS: {TEAM: "Label"},
        Choices.STAFF: {STAFF: "Label"},
    },
    custom_fields={name: CustomField(label=name.title(), type=name) for name in CUSTOM_TYPES},
)
MOMENT = Moment(datetime(2024, 5, 6, 7, tzinfo=UTC), ZoneInfo("Europe/Berlin"))


def faults(**definition: Any) -> dict[str, str]:
    found = check_definition(ViewDefinition.model_validate(definition), HELPDESK, MOMENT)
    return {fault.pointer: fault.detail for fault in found}


def condition(field: str, operator: str, *value: Any) -> dict[str, str]:
    """The faults of one condition, by the pointer inside it."""
    asked = {"field": field, "operator": operator, **({"value": value[0]} if value else {})}
    found = faults(filters={"all": [asked]})
    return {place.removeprefix("/filters/all/0"): detail for place, detail in found.items()}


# One valid value for each shape, by field where the field decides.
VALUES: dict[Shape, Any] = {
    Shape.TEXT: "x",
    Shape.NUMBER: 5,
    Shape.DATE: "today",
    Shape.SPAN: {"amount": 1, "unit": "days"},
}
CHOSEN = {
    "status": "new",
    "status_type": "open",
    "priority": "high",
    "language": "en",
    "owning_team_id": TEAM,
    "sla_status": "breached",
    "assignee_id": STAFF,
    "created_by_staff_id": STAFF,
    "custom.select": "anything",
}
EVERY = [
    (name, operator.name, operator.shape)
    for name, field in HELPDESK.vocabulary.fields.items()
    for operator in operators_of(field).values()
]


def valid(name: str, shape: Shape) -> Any:
    match shape:
        case Shape.NONE:
            return None
        case Shape.CHOICE:
            return CHOSEN[name]
        case Shape.CHOICES:
            return [CHOSEN[name]]
    return VALUES[shape]


@pytest.mark.parametrize(("name", "operator", "shape"), EVERY)
def test_every_operator_takes_its_value_and_no_other(name: str, operator: str, shape: Shape) -> None:
    assert condition(name, operator, valid(name, shape)) == {}
    wrong: list[Any] = [{"a": 1}, [[]], True, 1.5]
    if shape is Shape.NUMBER and not HELPDESK.vocabulary.fields[name].whole:
        wrong.remove(1.5)
    if shape is not Shape.NONE:
        wrong += [None, "", "\0", "x" * 1001]
    for value in wrong:
        assert list(condition(name, operator, value)) == ["/value"], value


@pytest.mark.parametrize(("name", "operator", "shape"), EVERY)
def test_what_is_checked_can_be_compiled(name: str, operator: str, shape: Shape) -> None:
    asked = {"field": name, "operator": operator, "value": valid(name, shape)}
    payload = resolve(
        ViewDefinition.model_validate({"filters": {"any": [asked]}}),
        ViewDefinition(),
        presentation=Presentation(),
        requester=Requester(UUID(int=1), ()),
        custom_fields=HELPDESK.custom_fields,
    )
    view = compile_view(
        payload,
        snapshot=None,
        requested_at=MOMENT.requested_at,
        source_schema="helpdesk",
        bookkeeping_schema="export_source",
    )
    assert "WHERE" in view.count()


@pytest.mark.parametrize(
    ("field", "operator", "value", "place", "allowed"),
    [
        ("colour", "eq", "x", "/field", "title"),
        ("custom.colour", "eq", "x", "/field", "custom.text"),
        ("title", "is", "x", "/operator", "not_contains"),
        ("status", "is_empty", None, "/operator", "is_none_of"),
        ("custom.number", "contains", "1", "/operator", "gte"),
        ("status", "is", "lost", "/value", "closed, new, __OPEN__, __CLOSED__"),
        ("status", "is_any_of", ["new", "lost"], "/value", "closed, new"),
        ("status", "is_any_of", [], "/value", "1 to 200"),
        ("status", "is_any_of", "new", "/value", "list"),
        ("priority", "gt", "__OPEN__", "/value", "high, low"),
        ("language", "is", "xx", "/value", "en"),
        ("owning_team_id", "is", NOBODY, "/value", TEAM),
        ("assignee_id", "is", NOBODY, "/value", NOBODY),
        ("assignee_id", "is", "ada", "/value", "id"),
        ("sla_status", "is", "late", "/value", "on_track"),
        ("id", "eq", "5", "/value", "whole number"),
        ("id", "eq", 2**63, "/value", "whole number"),
        ("custom.number", "eq", 10**30, "/value", "30 digits"),
        ("custom.number", "eq", -1e30, "/value", "30 digits"),
        ("custom.number", "eq", 10**400, "/value", "30 digits"),
        ("creation_time", "is", "soon", "/value", "this_week"),
        ("creation_time", "is_within_past", {"amount": 1, "unit": "years"}, "/value", "months"),
        ("has_tasks", "is_true", True, "/value", "no value"),
    ],
)
def test_a_fault_names_its_place_and_what_is_allowed(
    field: str, operator: str, value: object, place: str, allowed: str
) -> None:
    found = condition(field, operator, value)
    assert list(found) == [place]
    assert allowed in found[place]


@pytest.mark.parametrize(
    ("definition", "place", "allowed"),
    [
        ({"scope": "mine"}, "/scope", "recently_closed"),
        ({"columns": []}, "/columns", "at least one"),
        ({"columns": ["id", "colour"]}, "/columns/1", "sla_due_at"),
        ({"columns": ["id", "title", "id"]}, "/columns/2", "once only"),
        ({"sort": "best"}, "/sort", "newest, oldest"),
        ({"sort": []}, "/sort", "at least one"),
        ({"sort": [{"field": "tags"}]}, "/sort/0/field", "custom.date"),
        ({"sort": [{"field": "id"}, {"field": "id", "direction": "desc"}]}, "/sort/1/field", "once only"),
        ({"search": "x" * 201}, "/search", "200"),
        ({"search": "a\0b"}, "/search", "NUL"),
        ({"quick_filters": {"colour": 1}}, "/quick_filters/colour", "assignee_id"),
        ({"quick_filters": {"status": "lost"}}, "/quick_filters/status", "new"),
        ({"quick_filters": {"status_type": "ajar"}}, "/quick_filters/status_type", "open, closed"),
        ({"quick_filters": {"status_type": None}}, "/quick_filters/status_type", "open, closed"),
        ({"quick_filters": {"snooze": "maybe"}}, "/quick_filters/snooze", "not_snoozed"),
        ({"quick_filters": {"snooze": ["any"]}}, "/quick_filters/snooze", "not_snoozed"),
        ({"quick_filters": {"team_id": NOBODY}}, "/quick_filters/team_id", TEAM),
        ({"quick_filters": {"contact_id": "1"}}, "/quick_filters/contact_id", "whole number"),
        ({"quick_filters": {"assignee_id": "team:x"}}, "/quick_filters/assignee_id", "id"),
        ({"quick_filters": {"assignee_id": "nobody"}}, "/quick_filters/assignee_id", "id"),
        ({"quick_filters": {"assignee_id": f"team:{NOBODY}"}}, "/quick_filters/assignee_id", TEAM),
        ({"quick_filters": {"assignee_id": f"team:{TEAM}:assignee:{NOBODY}"}}, "/quick_filters/assignee_id", NOBODY),
        ({"quick_filters": {"assignee_id": f"team:{TEAM}:all"}}, "/quick_filters/assignee_id", "team:X"),
        ({"quick_filters": {"assignee_id": 5}}, "/quick_filters/assignee_id", "team:X"),
        ({"filters": {"any": [{"field": "id", "operator": "eq", "value": n} for n in range(51)]}}, "/filters", "50"),
    ],
)
def test_every_part_of_a_view_is_checked(definition: dict[str, Any], place: str, allowed: str) -> None:
    found = faults(**definition)
    assert list(found) == [place]
    assert allowed in found[place]


def test_all_faults_are_told_at_once() -> None:
    wrong = {"field": "x", "operator": "y"}
    found = faults(scope="x", columns=["x"], filters={"all": [wrong], "any": [wrong]}, sort="x", quick_filters={"x": 1})
    assert list(found) == [
        "/scope", "/columns/0", "/filters/all/0/field", "/filters/any/0/field", "/quick_filters/x", "/sort",
    ]  # fmt: skip


def test_a_view_that_says_everything_right_has_no_faults() -> None:
    vocabulary = HELPDESK.vocabulary
    quick = {"status": "__OPEN__", "status_type": "open", "priority": "low", "team_id": TEAM, "contact_id": 7,
             "created_by_id": STAFF, "snooze": "any", "assignee_id": f"team:{TEAM}:assignee:{STAFF}"}  # fmt: skip
    assert quick.keys() == QUICK_FILTERS.keys()
    assert faults(columns=list(vocabulary.columns), quick_filters=quick, search="x" * 200) == {}
    assert not any(faults(scope=scope) for scope in scope_names())
    assert not any(faults(sort=sort) for sort in NAMED_SORTS)
    assert not any(faults(sort=[{"field": field}]) for field in vocabulary.sorts)
    for owner in ("unassigned", STAFF, f"team:{TEAM}", f"team:{TEAM}:unassigned"):
        assert faults(quick_filters={"assignee_id": owner}) == {}


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "utc ", "+02:00", "'; DROP TABLE tickets; --"])
def test_an_unknown_time_zone_is_refused(name: str) -> None:
    with pytest.raises(ViewError, match="Europe/Berlin"):
        check_time_zone(name)


def test_the_staff_that_a_view_names_are_found() -> None:
    definition = ViewDefinition.model_validate(
        {
            "filters": {
                "all": [
                    {"field": "assignee_id", "operator": "is", "value": "a"},
                    {"field": "title", "operator": "eq", "value": "z"},
                ],
                "any": [{"field": "created_by_staff_id", "operator": "is_any_of", "value": ["b", 5]}],
            },
            "quick_filters": {"created_by_id": "c", "assignee_id": "team:t:assignee:d", "status": "z"},
        }
    )
    assert {"a", "b", "c", "d"} <= staff_ids(definition)
    assert "z" not in staff_ids(definition)


def test_pointers_are_escaped() -> None:
    assert pointer("quick_filters", "a/b~c", 0) == "/quick_filters/a~1b~0c/0"


def test_long_lists_are_cut() -> None:
    assert str(unknown("x", "y", map(str, range(100)))).endswith("59 and 40 more")


def test_the_registries_name_each_other_rightly() -> None:
    assert {quick.field for quick in QUICK_FILTERS.values() if quick.field} <= set(FIELDS)
    assert {field for levels in NAMED_SORTS.values() for field, _ in levels} <= set(SORTS)
