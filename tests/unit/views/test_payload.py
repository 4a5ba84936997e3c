"""What a captured view may say, and what older versions said."""

import json

import pytest
from pydantic import ValidationError

from ticket_export.views.columns import COLUMNS, DEFAULT_COLUMNS
from ticket_export.views.payload import (
    BUILT_IN_VIEWS,
    Condition,
    FilterGroup,
    SavedDefinition,
    SortLevel,
    ViewDefinition,
    ViewPayload,
    load_payload,
)
from ticket_export.views.scopes import SCOPES

NEWEST = (SortLevel(field="creation_time", direction="desc"),)


def test_what_a_payload_says_by_itself() -> None:
    payload = ViewPayload(scope="open")
    assert (payload.columns, payload.sort, payload.filters) == (DEFAULT_COLUMNS, NEWEST, ())
    assert (payload.time_zone, payload.profile, payload.delimiter) == ("UTC", "spreadsheet", ",")


def test_the_default_columns_are_those_of_the_list_on_screen() -> None:
    labels = [COLUMNS[name].label for name in DEFAULT_COLUMNS]
    assert labels == ["Ticket ID", "Title", "Status", "Priority", "Assignee", "Contact ID", "SLA Due", "Created"]


def test_version_1_still_runs() -> None:
    stored = """{"version": 1, "scope": "overdue", "columns": ["title", "id"], "time_zone": "UTC",
                 "profile": "spreadsheet", "delimiter": ","}"""
    assert load_payload(stored) == ViewPayload(scope="overdue", columns=("title", "id"))


@pytest.mark.parametrize(
    "stored",
    ["{}{", "[]", '{"version": 3}', '{"version": 2, "filter": []}', '{"version": 2, "Scope": "all"}',
     '{"version": 2, "profile": "excel"}', '{"version": 2, "delimiter": "|"}', '{"version": 2, "columns": "id"}'],
)  # fmt: skip
def test_what_no_version_says_is_refused(stored: str) -> None:
    with pytest.raises(ValidationError):
        load_payload(stored)


def test_everything_keeps_its_order_through_json() -> None:
    conditions = (
        Condition(field="title", operator="contains", value="x"),
        Condition(field="id", operator="gt", value=5),
    )
    payload = ViewPayload(
        scope="overdue",
        columns=("title", "id", "creation_time"),
        filters=(FilterGroup(all=conditions, any=conditions[::-1]),),
        sort=(SortLevel(field="title"), SortLevel(field="id", direction="desc")),
        quick_filters={"status": "new"},
    )
    stored = payload.model_dump_json()
    assert json.loads(stored)["columns"] == ["title", "id", "creation_time"]
    assert load_payload(stored) == payload


def test_a_payload_does_not_change() -> None:
    payload = ViewPayload(scope="all")
    with pytest.raises(ValidationError, match="frozen"):
        payload.scope = "open"  # type: ignore[misc]


def test_a_saved_view_says_its_version() -> None:
    assert SavedDefinition.model_validate_json('{"version": 1, "scope": "open"}').scope == "open"
    assert SavedDefinition.model_validate_json('{"version": 2, "sort": "oldest"}').sort == "oldest"
    for wrong in ({"scope": "open"}, {"version": 3}, {"version": 2, "having": []}):
        with pytest.raises(ValidationError):
            SavedDefinition.model_validate(wrong)


def test_groups_are_not_nested() -> None:
    with pytest.raises(ValidationError, match=r"filters\.all\.0"):
        ViewDefinition.model_validate({"filters": {"all": [{"all": []}]}})


def test_every_scope_is_a_built_in_view() -> None:
    assert set(BUILT_IN_VIEWS) == set(SCOPES)
    for name, scope in SCOPES.items():
        view = BUILT_IN_VIEWS[name]
        assert (view.id, view.definition, view.name) == (name, ViewDefinition(scope=name), scope.label)
