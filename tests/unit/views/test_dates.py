"""Presets, days and spans, at hand-picked instants in time zones that make them hard."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticket_export.views.dates import PRESETS, Stretch, day_begins, resolve_span, resolve_stretch, time_zones
from ticket_export.views.faults import ViewError

BERLIN = ZoneInfo("Europe/Berlin")
# A Wednesday in Berlin, still Tuesday in UTC; the last day of a month and of a leap February's.
AT = datetime(2024, 2, 27, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("preset", "first", "end"),
    [
        ("today", "2024-02-28", "2024-02-29"),
        ("yesterday", "2024-02-27", "2024-02-28"),
        ("tomorrow", "2024-02-29", "2024-03-01"),
        ("this_week", "2024-02-25", "2024-03-03"),
        ("last_week", "2024-02-18", "2024-02-25"),
        ("next_week", "2024-03-03", "2024-03-10"),
        ("this_month", "2024-02-01", "2024-03-01"),
        ("last_month", "2024-01-01", "2024-02-01"),
        ("next_month", "2024-03-01", "2024-04-01"),
        ({"preset": "days_ago", "amount": 0}, "2024-02-28", "2024-02-29"),
        ({"preset": "days_ago", "amount": 59}, "2023-12-31", "2024-01-01"),
        ({"preset": "days_from_now", "amount": 2}, "2024-03-01", "2024-03-02"),
        ({"preset": "exact_date", "date": "2024-02-29"}, "2024-02-29", "2024-03-01"),
        ({"preset": "today"}, "2024-02-28", "2024-02-29"),
        ("1999-12-31", "1999-12-31", "2000-01-01"),
    ],
)
def test_days_are_counted_from_the_day_of_the_request_there(preset: object, first: str, end: str) -> None:
    found = resolve_stretch(preset, AT, BERLIN)
    assert found == Stretch(date.fromisoformat(first), date.fromisoformat(end))


@pytest.mark.parametrize("day", range(7))
def test_weeks_begin_on_sunday(day: int) -> None:
    sunday = date(2024, 6, 2)
    noon = datetime(2024, 6, 2 + day, 12, tzinfo=UTC)
    assert resolve_stretch("this_week", noon, ZoneInfo("UTC")).first == sunday


@pytest.mark.parametrize(
    "value",
    ["", "Today", "2024-02-30", "20240201", "2024-W05-1", "2024-1-1", " 2024-01-01", "٢٠٢٤-٠١-٠١", "days_ago", "now()", 5,
     None, True, [], {}, {"preset": "days_ago"}, {"preset": "days_ago", "amount": -1},
     {"preset": "days_ago", "amount": 1.0}, {"preset": "days_ago", "amount": True},
     {"preset": "days_ago", "amount": "1"}, {"preset": "days_ago", "amount": 100_001},
     {"preset": "today", "amount": 1}, {"preset": "someday"}, {"preset": "exact_date"}, {"preset": 1},
     {"preset": "exact_date", "date": "x"}, {"preset": "exact_date", "date": "2024-01-01", "amount": 1},
     {"date": "2024-01-01"}],
)  # fmt: skip
def test_what_is_no_date_is_refused_and_says_what_is(value: object) -> None:
    with pytest.raises(ViewError) as caught:
        resolve_stretch(value, AT, BERLIN)
    assert str(caught.value)


@pytest.mark.parametrize("value", [{"preset": "days_ago", "amount": 100_000}, "last_month", "yesterday", "last_week"])
def test_a_date_before_the_first_year_is_refused(value: object) -> None:
    with pytest.raises(ViewError, match="years 1 to 9999"):
        resolve_stretch(value, datetime(1, 1, 1, 12, tzinfo=UTC), ZoneInfo("UTC"))


@pytest.mark.parametrize("value", ["9999-12-31", "next_month", "tomorrow"])
def test_a_date_after_the_last_year_is_refused(value: object) -> None:
    with pytest.raises(ViewError, match="years 1 to 9999"):
        resolve_stretch(value, datetime(9999, 12, 31, 12, tzinfo=UTC), ZoneInfo("UTC"))


@pytest.mark.parametrize(
    ("zone", "day", "begins"),
    [
        ("UTC", "2024-03-31", "2024-03-31T00:00+00:00"),
        ("Europe/Berlin", "2024-03-31", "2024-03-30T23:00+00:00"),
        ("Europe/Berlin", "2024-10-28", "2024-10-27T23:00+00:00"),
        ("Asia/Kathmandu", "2024-01-01", "2023-12-31T18:15+00:00"),
        # Midnight was skipped: the day begins with the change.
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00+00:00"),
        ("America/Toronto", "1919-03-31", "1919-03-31T04:30+00:00"),
        # Midnight came twice: the day begins with the first.
        ("America/Havana", "2024-11-03", "2024-11-03T04:00+00:00"),
        # The whole day was skipped: it ends where it begins.
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00+00:00"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00+00:00"),
    ],
)
def test_a_day_begins_when_its_date_first_comes(zone: str, day: str, begins: str) -> None:
    assert day_begins(date.fromisoformat(day), ZoneInfo(zone)) == datetime.fromisoformat(begins)


@given(st.sampled_from(sorted(time_zones())), st.dates(date(1900, 1, 1), date(2037, 1, 1)))
def test_just_before_a_day_begins_it_is_another_day(zone: str, day: date) -> None:
    begins = day_begins(day, ZoneInfo(zone))
    assert begins.astimezone(ZoneInfo(zone)).date() >= day
    assert (begins - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).date() < day


@pytest.mark.parametrize(
    ("at", "direction", "amount", "unit", "other"),
    [
        ("2024-03-31T12:00+00:00", -1, 12, "hours", "2024-03-31T00:00+00:00"),
        # A day of 23 hours, one of 25.
        ("2024-03-31T12:00+00:00", -1, 1, "days", "2024-03-30T13:00+00:00"),
        ("2024-10-27T12:00+00:00", -1, 1, "days", "2024-10-26T11:00+00:00"),
        ("2024-03-31T10:00+00:00", -1, 1, "months", "2024-02-29T11:00+00:00"),
        ("2024-01-31T11:00+00:00", 1, 1, "months", "2024-02-29T11:00+00:00"),
        ("2024-01-31T11:00+00:00", 1, 13, "months", "2025-02-28T11:00+00:00"),
        # 02:30 was skipped: it counts with the offset before the change; when it comes twice, it is the first.
        ("2024-03-30T01:30+00:00", 1, 1, "days", "2024-03-31T01:30+00:00"),
        ("2024-10-26T00:30+00:00", 1, 1, "days", "2024-10-27T00:30+00:00"),
        # Asked in the second of two equal hours.
        ("2024-10-27T01:30+00:00", -1, 364, "days", "2023-10-29T00:30+00:00"),
        ("2024-10-27T01:30+00:00", 1, 154, "days", "2025-03-30T01:30+00:00"),
    ],
)
def test_days_and_months_move_the_wall_clock(at: str, direction: int, amount: int, unit: str, other: str) -> None:
    requested_at, moved = datetime.fromisoformat(at), datetime.fromisoformat(other)
    span = resolve_span({"amount": amount, "unit": unit}, direction, requested_at, BERLIN)
    assert (span.start, span.end) == ((moved, requested_at) if direction < 0 else (requested_at, moved))


@pytest.mark.parametrize(
    "value",
    [None, 7, "7 days", {}, {"amount": 7}, {"amount": 0, "unit": "days"}, {"amount": 1, "unit": "years"},
     {"amount": 1, "unit": ["days"]}, {"amount": 1, "unit": "days", "of": 1}, {"amount": 100_001, "unit": "days"},
     {"amount": 100_000, "unit": "months"}, {"amount": "7", "unit": "days"}],
)  # fmt: skip
def test_what_is_no_span_is_refused(value: object) -> None:
    for direction in (-1, 1):
        with pytest.raises(ViewError):
            resolve_span(value, direction, AT, BERLIN)


def test_only_names_of_time_zones_are_time_zones() -> None:
    assert {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"} <= time_zones()
    assert not {"localtime", "Factory", "Mars/Olympus", "europe/berlin", "+02", "../etc/passwd", ""} & time_zones()


def test_presets_that_take_a_number_are_few() -> None:
    assert {name for name, preset in PRESETS.items() if preset.takes_amount} == {"days_ago", "days_from_now"}
