"""Cursors come back as they were written; nothing else is one."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_api.errors import InvalidRequestError
from export_api.http.cursors import read_cursor, write_cursor
from export_api.queries.jobs import PageKey
from export_api.staff.ticket_pages import key_text, read_key
from ticket_export.views.compile import Key


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


@pytest.mark.parametrize(
    "instant", ["2016-03-02 15:33:00+00", "2016-03-02 15:33:00.123456+05:30", "1999-12-31 23:59:59-03"]
)
def test_a_place_among_the_tickets_is_read_back(instant: str) -> None:
    assert read_key("older_than", key_text(Key(instant, 1434))) == Key(instant, 1434)


@pytest.mark.parametrize(
    "text",
    ["", "~", "1", "2016-03-02 15:33:00+00~", "2016-03-02~1", "2016-13-02 15:33:00+00~1", "2016-03-02 15:33:00+00~-1",
     "2016-03-02 15:33:00+00~9223372036854775808", "infinity~1", "2016-03-02 15:33:00+00~١", "'; DROP TABLE x --~1"],
)  # fmt: skip
def test_anything_else_is_no_place(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        read_key("older_than", text)


def test_no_place_is_the_beginning() -> None:
    assert read_key("older_than", None) is None
