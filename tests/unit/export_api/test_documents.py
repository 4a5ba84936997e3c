"""JSON that could be read in two ways is no document; faults of its shape have the pointers of the text itself."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_api.documents import DocumentError, parse_json, read_document
from export_api.http.schemas import ExportBody

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


def faults(text: str | bytes) -> dict[str, str]:
    with pytest.raises(DocumentError) as caught:
        parse_json(text)
    return {fault.pointer: fault.detail for fault in caught.value.faults}


@given(VALUES)
def test_any_other_document_is_read_as_it_is(value: Any) -> None:
    assert parse_json(json.dumps(value)) == value
    assert parse_json(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")) == value


@given(st.text(), VALUES, VALUES)
def test_a_member_that_comes_twice_is_named(name: str, first: Any, second: Any) -> None:
    key = json.dumps(name)
    pointer = "/0/" + name.replace("~", "~0").replace("/", "~1")
    assert faults(f"[{{{key}: {json.dumps(first)}, {key}: {json.dumps(second)}}}]") == {pointer: "comes more than once"}


def test_every_doubled_member_is_named_also_below_one_that_was_lost() -> None:
    # The lost object's place in memory may go to the next one, which is innocent.
    text = '{"a": {"x": 1, "x": 2}, "a": {"y": 1}, "b": {"y": 1, "y": 2, "z": {}}, "c": {"y": {}}}'
    assert set(faults(text)) == {"/a", "/b/y"}
    lost = '{"a": {"x": 1, "x": 2}, "a": 1}, ' * 50
    innocent = ", ".join(['{"y": {"x": 1}}'] * 500)
    assert set(faults(f"[{lost}{innocent}]")) == {f"/{number}/a" for number in range(50)}


def test_depth_has_an_end() -> None:
    assert parse_json("[" * 20 + "]" * 20) is not None
    assert list(faults("[" * 21 + "1" + "]" * 21)) == ["/0" * 21]
    assert list(faults("[" * 100_000)) == [""]


def test_faults_of_a_shape_are_where_they_stand_in_the_text() -> None:
    with pytest.raises(DocumentError) as caught:
        read_document(ExportBody, {
            "sort": [{"field": 1, "direction": "up", "nulls": "last"}, {}],
            "view": {"sort": 5, "columns": {}, "filters": {"all": [{"field": "id", "operator": "eq", "values": []}]}},
            "views": [],
        })  # fmt: skip
    found = {fault.pointer: fault.detail for fault in caught.value.faults}
    assert set(found) == {
        "/sort/0/field", "/sort/0/direction", "/sort/0/nulls", "/sort/1/field", "/view/sort", "/view/columns",
        "/view/filters/all/0/values", "/views",
    }  # fmt: skip
    assert found["/sort/0/nulls"] == "is not known; allowed: field, direction"
    assert found["/view/filters/all/0/values"] == "is not known; allowed: field, operator, value"
    assert "view_id" in found["/views"]
    assert (found["/view/sort"], found["/view/columns"]) == ("is not a list", "is not a list")


@pytest.mark.parametrize("literal", ["0.12345678901234567890", "12345678901234567.5", "1e-400"])
def test_a_number_that_would_be_rounded_is_refused(literal: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_json(f'{{"a": [{literal}]}}')
    assert [fault.pointer for fault in caught.value.faults] == ["/a/0"]


@pytest.mark.parametrize("literal", ["0.1", "-12.50", "1e22", "5", "1" * 400])
def test_a_number_that_is_kept_is_taken(literal: str) -> None:
    taken = parse_json(literal)
    assert Decimal(literal) == Decimal(taken if isinstance(taken, int) else repr(taken))
