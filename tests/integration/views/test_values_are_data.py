"""Whatever a value, a key or a label holds, it is compared and written as that text, and never read as SQL."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from local_stack.servers import Servers
from support.installation import new_installation
from support.random_helpdesk import Payload
from support.random_helpdesk.cases import payload
from support.random_helpdesk.moments import REQUEST
from support.random_helpdesk.past import Past, random_past
from support.random_helpdesk.vocabulary import AWKWARD

ALPHABET = st.sampled_from("'\"\\$%_{}:;-/*()[]#?&|=@~^`,. \n\tabEUx01é'Σİ") | st.characters(
    codec="utf-8", exclude_characters="\x00"
)
TEXTS = st.sampled_from(AWKWARD) | st.lists(st.sampled_from(AWKWARD), min_size=1, max_size=4).map("".join)
TEXTS |= st.text(ALPHABET, min_size=1, max_size=60)
OPERATORS = st.sampled_from(
    ("eq", "neq", "contains", "not_contains", "starts_with", "not_starts_with", "ends_with", "not_ends_with")
)
FIELDS = ("title", "tags", "contact.email", "custom.text")


@pytest.fixture(scope="module")
def past(servers: Servers, template_database: str) -> Iterator[Past]:
    """One database and one snapshot for all examples."""
    with new_installation(servers, template_database) as installation, random_past(installation) as laid_out:
        yield laid_out


def assert_same(past: Past, asked: Payload) -> None:
    expected, written = past.expected(asked, REQUEST), past.written(asked, REQUEST)
    assert written.header == expected.header
    assert written.rows == expected.rows
    assert written.count == len(expected.ids)


def of_text(field: str, operator: str, value: str) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


@st.composite
def awkward_payloads(draw: st.DrawFn) -> Payload:
    """Draw a payload with an awkward text wherever a text may stand."""
    # Tickets have values under the awkward keys.
    key, label = draw(st.sampled_from(AWKWARD) | TEXTS), draw(TEXTS)
    custom = {
        key: {"label": label, "type": draw(st.sampled_from(("text", "number", "date", "boolean", draw(TEXTS))))},
        "text": {"label": draw(TEXTS), "type": "text"},
        "select": {"label": draw(TEXTS), "type": "select"},
    }
    texts = [
        of_text(draw(st.sampled_from(FIELDS)), draw(OPERATORS), draw(TEXTS)) for _ in range(draw(st.integers(0, 3)))
    ]
    chosen = {"field": "custom.select", "operator": draw(st.sampled_from(("is_any_of", "is_none_of")))}
    selected = [{**chosen, "value": draw(st.lists(TEXTS, min_size=1, max_size=3, unique=True))}]
    emptiness = [{"field": f"custom.{key}", "operator": draw(st.sampled_from(("is_empty", "is_not_empty")))}]
    if custom[key]["type"] == "boolean":
        emptiness = []
    return payload(
        columns=["id", "title", f"custom.{key}"],
        filters=[{"all": [], "any": [*texts, *selected]}, {"all": emptiness[: draw(st.integers(0, 1))], "any": []}],
        search=draw(st.none() | TEXTS.map(str.strip).filter(bool)),
        sort=[{"field": f"custom.{key}", "direction": "asc"}],
        profile=draw(st.sampled_from(("spreadsheet", "machine"))),
        delimiter=draw(st.sampled_from((",", ";", "\t"))),
        custom_fields=custom,
    )


@settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(asked=awkward_payloads())
def test_any_text_in_any_place(past: Past, asked: Payload) -> None:
    assert_same(past, asked)


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(value=TEXTS, operator=OPERATORS)
@example(value="' OR ''='", operator="eq")
@example(value="100%", operator="contains")
@example(value="e_c", operator="contains")
@example(value="k\\s", operator="contains")
def test_a_text_finds_what_holds_it(past: Past, value: str, operator: str) -> None:
    assert_same(past, payload(filters=[{"all": [of_text("description", operator, value)], "any": []}]))
    if value.strip():
        assert_same(past, payload(columns=["title"], search=value.strip()))


@pytest.mark.parametrize(
    ("value", "found"), [("100%", True), ("e_c", True), ("k\\s", True), ("' OR 1=1 --", True), ("x' OR 1=1 --", False)]
)
def test_metacharacters_find_themselves_only(past: Past, value: str, found: bool) -> None:
    asked = payload(columns=["title"], filters=[{"all": [of_text("title", "contains", value)], "any": []}])
    titles = [row[0] for row in past.written(asked, REQUEST).rows]
    assert bool(titles) == found
    assert all(value in title for title in titles)


@pytest.mark.parametrize("key", AWKWARD)
def test_an_awkward_key_leads_to_its_own_values(past: Past, key: str) -> None:
    field = f"custom.{key}"
    condition = of_text(field, "contains", "fund")
    for kind, filters in (("text", [{"all": [condition], "any": []}]), ("select", [])):
        asked = payload(columns=["id", field], filters=filters, custom_fields={key: {"label": key, "type": kind}})
        assert_same(past, asked)
        assert {row[1] for row in past.written(asked, REQUEST).rows} - {""}
