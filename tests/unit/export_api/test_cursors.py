"""Cursors come back as they were written; nothing else is one."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_api.errors import InvalidRequestError
from export_api.http.cursors import read_cursor, write_cursor
from export_api.queries.jobs import PageKey
from export_api.staff.ticket_pages import place_text, read_place


@given(st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(UTC)), st.uuids())  # noqa: DTZ001 - bounds are naive
def test_what_is_written_is_read(at: datetime, job_id: UUID) -> None:
    assert read_cursor(write_cursor(PageKey(at, job_id))) == PageKey(at, job_id)


def test_the_last_page_has_none() -> None:
    assert write_cursor(None) is None
    assert read_cursor(None) is None


def test_offsets_do_not_matter() -> None:
    at = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert read_cursor(write_cursor(PageKey(at, UUID(int=1)))) == PageKey(at, UUID(int=1))


@given(st.text(max_size=80))
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_cursor(text)

    assert [fault.place for fault in caught.value.faults] == [("parameter", "cursor")]


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=8))
def test_a_place_among_the_tickets_is_read_back(place: list[str]) -> None:
    assert read_place("after", place_text(place)) == tuple(place)


@pytest.mark.parametrize("text", ["", "~", "1", "bnVsbA", "WzFd", "WyJcdTAwMDAiXQ", "W", "é", "W10=x", "WyJhIl0 "])
def test_anything_else_is_no_place(text: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_place("after", text)

    assert [fault.place for fault in caught.value.faults] == [("parameter", "after")]


def test_no_place_is_the_beginning() -> None:
    assert read_place("after", None) is None
