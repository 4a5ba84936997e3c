"""What a captured view may say."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from ticket_export.views.columns import COLUMNS, DEFAULT_COLUMNS
from ticket_export.views.payload import BUILT_IN_VIEWS, ViewDefinition, ViewPayload
from ticket_export.views.scopes import SCOPES


def refusal(**fields: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        ViewPayload.model_validate({"scope": "all", **fields})
    return str(caught.value)


def test_a_scope_is_enough() -> None:
    payload = ViewPayload(scope="open")
    assert payload.columns == DEFAULT_COLUMNS
    assert payload.model_dump() == {
        "version": 1,
        "scope": "open",
        "columns": DEFAULT_COLUMNS,
        "time_zone": "UTC",
        "profile": "spreadsheet",
        "delimiter": ",",
    }


def test_the_default_columns_are_those_of_the_list_on_screen() -> None:
    labels = [COLUMNS[name].label for name in DEFAULT_COLUMNS]
    assert labels == ["Ticket ID", "Title", "Status", "Priority", "Assignee", "Contact ID", "SLA Due", "Created"]


def test_an_unknown_column_is_named() -> None:
    assert "'colour'" in refusal(columns=["id", "colour"])


def test_a_column_twice_is_refused() -> None:
    assert "once only" in refusal(columns=["id", "title", "id"])


def test_no_column_is_refused() -> None:
    assert "at least one column" in refusal(columns=[])


@pytest.mark.parametrize(
    "field", [{"filters": []}, {"Scope": "all"}, {"search": "x"}], ids=["filters", "capitals", "search"]
)
def test_a_field_that_this_version_does_not_know_is_refused(field: dict[str, object]) -> None:
    assert "Extra inputs are not permitted" in refusal(**field)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("scope", "mine"),
        ("scope", "ALL"),
        ("scope", None),
        ("version", 2),
        ("time_zone", "Mars/Olympus"),
        ("profile", "machine"),
        ("delimiter", "|"),
        ("columns", "id"),
        ("columns", [1]),
    ],
)
def test_a_value_that_this_version_does_not_know_is_refused(field: str, value: object) -> None:
    assert field in refusal(**{field: value})


def test_the_scope_is_needed() -> None:
    with pytest.raises(ValidationError, match="scope"):
        ViewPayload.model_validate({})


def test_columns_keep_their_order_through_json() -> None:
    payload = ViewPayload(scope="overdue", columns=("title", "id", "creation_time"))
    stored = payload.model_dump_json()
    assert json.loads(stored)["columns"] == ["title", "id", "creation_time"]
    assert ViewPayload.model_validate_json(stored) == payload


def test_a_payload_does_not_change() -> None:
    payload = ViewPayload(scope="all")
    with pytest.raises(ValidationError, match="frozen"):
        payload.scope = "open"  # type: ignore[misc]


def test_a_saved_view_says_its_version() -> None:
    assert ViewDefinition.model_validate_json('{"version": 1, "scope": "open"}').scope == "open"
    with pytest.raises(ValidationError):
        ViewDefinition.model_validate({"scope": "open"})
    with pytest.raises(ValidationError):
        ViewDefinition.model_validate({"version": 1, "scope": "open", "columns": ["id"]})


def test_every_scope_is_a_built_in_view() -> None:
    assert set(BUILT_IN_VIEWS) == set(SCOPES)
    for name, scope in SCOPES.items():
        view = BUILT_IN_VIEWS[name]
        assert (view.id, view.scope, view.name) == (name, name, scope.label)
