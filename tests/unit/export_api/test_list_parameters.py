"""An address says a view as a body does; whatever it says otherwise is a fault of its parameter."""

import pytest

from export_api.errors import Fault, InvalidRequestError
from export_api.staff.list_parameters import fault_of_parameter, named_by_parameter, read_parameters
from ticket_export.views.payload import Condition, FilterGroup, SortLevel, ViewDefinition

Items = list[tuple[str, object]]


def on_top(*items: tuple[str, object]) -> ViewDefinition:
    return read_parameters([("view", "open"), *items]).asked.on_top


def faults(*items: tuple[str, object]) -> dict[str, str]:
    with pytest.raises(InvalidRequestError) as caught:
        read_parameters(items)
    assert all(fault.place[0] == "parameter" for fault in caught.value.faults)
    return {fault.place[1]: fault.detail for fault in caught.value.faults}


def test_a_view_alone_says_nothing_else() -> None:
    found = read_parameters([("view", "open"), ("after", "x")], besides=("after",))
    assert (found.asked.view_id, found.asked.on_top, found.given) == ("open", ViewDefinition(), {})
    assert read_parameters([], default_view="all").asked.view_id == "all"


def test_every_member_is_read() -> None:
    assert on_top(
        ("search", "printer"), ("columns", "id,title,custom.x"), ("scope", "all"),
        ("filters", '{"any": [{"field": "id", "operator": "eq", "value": 7}]}'),
        ("status", "new"), ("contact_id", "42"), ("assignee_id", "unassigned"),
    ) == ViewDefinition(
        search="printer", columns=("id", "title", "custom.x"), scope="all",
        filters=FilterGroup(any=(Condition(field="id", operator="eq", value=7),)),
        quick_filters={"status": "new", "contact_id": 42, "assignee_id": "unassigned"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "sort"),
    [
        ("newest", "newest"),
        ("priority:desc", (SortLevel(field="priority", direction="desc"),)),
        ("priority:desc,title:asc", (SortLevel(field="priority", direction="desc"), SortLevel(field="title"))),
        ("title,id", (SortLevel(field="title"), SortLevel(field="id"))),
        ("custom.a:b:desc", (SortLevel(field="custom.a:b", direction="desc"),)),
        ("", None),
    ],
)
def test_a_sort_is_a_name_or_levels(text: str, sort: object) -> None:
    assert on_top(("sort", text)).sort == sort


def test_what_was_given_is_kept_for_links_and_forms_but_the_order_of_the_view() -> None:
    found = read_parameters([("view", "open"), ("search", ""), ("sort", ""), ("status", "new")])
    assert found.given == {"search": "", "status": "new"}
    assert found.asked.on_top.search == ""


@pytest.mark.parametrize(
    ("items", "named"),
    [
        ([], {"view": "missing"}),
        ([("view", "")], {"view": "missing"}),
        ([("view", "open"), ("serch", "x")], {"serch": "search"}),
        ([("view", "open"), ("status", "new"), ("status", "active")], {"status": "more than once"}),
        ([("view", "open"), ("view", "all")], {"view": "more than once"}),
        ([("view", "open"), ("search", "x" * 8001)], {"search": "8,000"}),
        ([("view", "open"), ("search", b"x")], {"search": "text"}),
        ([("view", "open"), ("filters", "all")], {"filters": "not JSON"}),
        ([("view", "open"), ("filters", "[]")], {"filters": "not an object"}),
        ([("view", "open"), ("filters", '{"all": [{"field": "id"}]}')], {"filters": "/all/0/operator is missing"}),
        ([("view", "open"), ("filters", '{"all": [], "all": []}')], {"filters": "/all comes more than once"}),
        ([("view", "open"), ("sort", "title:up")], {"sort": "/0/direction"}),
        ([("view", "open"), ("sort", ",")], {"sort": "/1/field"}),
        ([("view", "open"), ("columns", "id,,title")], {"columns": "/1"}),
    ],
)
def test_whatever_is_wrong_is_named_by_its_parameter(items: Items, named: dict[str, str]) -> None:
    found = faults(*items)
    assert set(found) == set(named)
    for parameter, detail in named.items():
        assert detail in found[parameter]


def test_a_number_that_no_id_can_be_stays_a_fault() -> None:
    for text in ("9" * 5000, "seven", "7.0", "\u0667"):
        assert on_top(("contact_id", text)).quick_filters == {"contact_id": text}


def test_faults_of_a_body_become_faults_of_parameters() -> None:
    places = {"/view_id": "view", "/quick_filters/status": "status", "/columns/3": "columns", "/search": "search"}
    for pointer, parameter in places.items():
        assert fault_of_parameter(Fault(("pointer", pointer), "x")).place == ("parameter", parameter)
    told = named_by_parameter(InvalidRequestError(Fault(("pointer", "/filters/all/0/value"), "is odd")))
    assert told.faults == (Fault(("parameter", "filters"), "/all/0/value is odd"),)
    assert fault_of_parameter(Fault(("parameter", "after"), "x")).place == ("parameter", "after")
