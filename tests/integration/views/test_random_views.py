"""Random payloads over random tickets: the same tickets in the same order, and the same cells, as by the evaluator."""

import json
from collections.abc import Iterator
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_stack.servers import Servers
from support.installation import new_installation
from support.random_helpdesk import Payload, payloads
from support.random_helpdesk.moments import REQUEST, REQUESTS
from support.random_helpdesk.past import Past, random_past

EXAMPLES = 320


@pytest.fixture(scope="module")
def past(servers: Servers, template_database: str) -> Iterator[Past]:
    """One database and one snapshot for all examples."""
    with new_installation(servers, template_database) as installation, random_past(installation) as laid_out:
        yield laid_out


def assert_same(past: Past, payload: Payload, requested_at: datetime) -> int:
    """Compare header, order, cells and count; return the number of tickets."""
    expected = past.expected(payload, requested_at)
    written = past.written(payload, requested_at)
    said = json.dumps(payload, ensure_ascii=False)
    assert written.rows == expected.rows, f"{said} at {requested_at.isoformat()}"
    assert written.header == expected.header, said
    assert written.count == len(expected.ids), said
    return len(expected.ids)


RANDOM = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
AT_ANY_REQUEST = st.sampled_from([instant for instant, _ in REQUESTS])


@RANDOM
@given(payload=payloads(), requested_at=AT_ANY_REQUEST)
def test_any_payload(past: Past, payload: Payload, requested_at: datetime) -> None:
    assert_same(past, payload, requested_at)


@settings(RANDOM, max_examples=EXAMPLES // 4)
@given(payload=payloads(), requested_at=AT_ANY_REQUEST, pages=st.integers(1, 4))
def test_any_list_on_screen_turns_its_pages_both_ways(
    past: Past, payload: Payload, requested_at: datetime, pages: int
) -> None:
    asked = {**payload, "columns": list(dict.fromkeys(["id", *payload["columns"]]))}
    expected = past.expected(asked, requested_at).ids
    forward, backward = past.listed(asked, requested_at, limit=len(expected) // pages + 1)
    said = json.dumps(asked, ensure_ascii=False)
    assert forward == expected, said
    assert backward == expected[::-1], said


def test_random_payloads_are_about_something(past: Past) -> None:
    """Most examples find some tickets and leave some out."""
    found: list[int] = []

    @settings(RANDOM, max_examples=EXAMPLES // 4)
    @given(payload=payloads())
    def count(payload: Payload) -> None:
        found.append(len(past.expected(payload, REQUEST).ids))

    count()
    alive = sum(ticket["deleted_at"] is None for ticket in past.tables["tickets"])
    assert sum(0 < number < alive for number in found) > len(found) / 3
