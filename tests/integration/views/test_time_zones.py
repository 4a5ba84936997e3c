"""Instants in both profiles: around every change of the clocks, against Python's own time-zone arithmetic."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from integration.views.files import Field, Style, write_rows
from integration.views.reading import Connection, line
from ticket_export.views.cells import CellType

AT = Field("at", "At", CellType.TIMESTAMP)
MICROSECOND = timedelta(microseconds=1)

# Zone, a year in which its clocks change, by how many minutes.
CHANGES = [
    ("Europe/Berlin", 2024, {60, -60}),
    ("America/St_Johns", 2024, {60, -60}),
    ("America/St_Johns", 1988, {120, -120}),
    ("Australia/Lord_Howe", 2024, {30, -30}),
    ("Asia/Kathmandu", 1986, {15}),
    ("Europe/Berlin", 1945, {60, -60}),
    ("Africa/Casablanca", 2024, {60, -60}),
    ("Pacific/Apia", 2011, {60, -60, 24 * 60}),
]
EVERY_CHANGE = pytest.mark.parametrize(("zone", "year", "minutes"), CHANGES)


def utc_offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def changes(zone: ZoneInfo, year: int) -> list[tuple[datetime, timedelta]]:
    """Return the first instants of each new offset in a year, found minute by minute, and the step of the clocks."""
    # New Year in the zone may lie on either side of New Year in UTC.
    hours = [datetime(year - 1, 12, 31, tzinfo=UTC) + timedelta(hours=hour) for hour in range(367 * 24)]
    found = []
    for before, after in pairwise(hours):
        if utc_offset(before, zone) != utc_offset(after, zone):
            minute = next(
                instant
                for instant in (before + timedelta(minutes=number) for number in range(1, 61))
                if utc_offset(instant, zone) != utc_offset(before, zone)
            )
            found.append((minute, utc_offset(after, zone) - utc_offset(before, zone)))
    return found


def around(change: datetime) -> list[datetime]:
    steps = [change + timedelta(minutes=7 * number, microseconds=999_999) for number in range(-30, 31)]
    edges = [change - MICROSECOND, change, change + MICROSECOND, change - timedelta(seconds=1)]
    return sorted([*steps, *edges, *(edge + timedelta(hours=hours) for edge in edges for hours in (-24, -1, 1, 24))])


def as_text(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S.%f}+00"


async def instants(owner: Connection, values: list[str], style: Style) -> list[str]:
    """Return the cells that instants become."""
    content = await write_rows(owner, [AT], [[value] for value in values], style)
    return [cell.strip('"') for cell in content.decode().splitlines()]


@EVERY_CHANGE
async def test_a_spreadsheet_shows_the_local_clock(owner: Connection, zone: str, year: int, minutes: set[int]) -> None:
    found = changes(ZoneInfo(zone), year)
    assert {step / timedelta(minutes=1) for _, step in found} == minutes
    for change, _ in found:
        asked = around(change)
        cells = await instants(owner, [as_text(instant) for instant in asked], Style(time_zone=zone))
        local = [instant.astimezone(ZoneInfo(zone)) for instant in asked]
        assert cells == [f"{clock:%Y-%m-%d %H:%M:%S}" for clock in local]


@EVERY_CHANGE
async def test_a_machine_gets_the_instant_itself(owner: Connection, zone: str, year: int, minutes: set[int]) -> None:
    for change, _ in changes(ZoneInfo(zone), year):
        asked = around(change)
        cells = await instants(owner, [as_text(instant) for instant in asked], Style("machine", time_zone=zone))
        assert cells == [f"{instant:%Y-%m-%dT%H:%M:%S.%f}Z" for instant in asked]
        assert [datetime.fromisoformat(cell) for cell in cells] == asked


@pytest.mark.parametrize(
    ("zone", "forward", "back"),
    [
        ("Europe/Berlin", ("2024-03-31 01:59:59", "2024-03-31 03:00:00"), "2024-10-27 02:30:00"),
        ("America/St_Johns", ("2024-03-10 01:59:59", "2024-03-10 03:00:00"), "2024-11-03 01:30:00"),
        ("Australia/Lord_Howe", ("2024-10-06 01:59:59", "2024-10-06 02:30:00"), "2024-04-07 01:45:00"),
        ("Asia/Kathmandu", ("1985-12-31 23:59:59", "1986-01-01 00:15:00"), None),
    ],
)
async def test_a_skipped_hour_is_never_shown_and_a_repeated_one_twice(
    owner: Connection, zone: str, forward: tuple[str, str], back: str | None
) -> None:
    year = int(forward[1][:4])
    for change, step in changes(ZoneInfo(zone), year):
        seconds = [change + timedelta(seconds=number) for number in range(-7200, 7200)]
        cells = await instants(owner, [as_text(instant) for instant in seconds], Style(time_zone=zone))
        if step > timedelta(0):
            assert forward in list(pairwise(cells))
            assert not [cell for cell in cells if forward[0] < cell < forward[1]]
            assert len(set(cells)) == len(cells)
        else:
            assert cells.count(back or "") == 2
            assert len(cells) - len(set(cells)) == -step.total_seconds()


@pytest.mark.parametrize(
    ("instant", "spreadsheet", "machine"),
    [
        ("infinity", "infinity", "infinity"),
        ("-infinity", "-infinity", "-infinity"),
        ("9999-12-31 23:59:59.999999Z", "9999-12-31 23:59:59", "9999-12-31T23:59:59.999999Z"),
        ("10000-01-01 00:00:00Z", "10000-01-01 00:00:00", "+010000-01-01T00:00:00.000000Z"),
        ("12345-06-07 08:09:10.5Z", "12345-06-07 08:09:10", "+012345-06-07T08:09:10.500000Z"),
        ("294276-12-31 23:59:59.999999Z", "294276-12-31 23:59:59", "+294276-12-31T23:59:59.999999Z"),
        ("0001-01-01 00:00:00Z", "0001-01-01 00:00:00", "0001-01-01T00:00:00.000000Z"),
        ("0001-12-31 23:59:59.999999Z BC", "0001-12-31 23:59:59 BC", "+000000-12-31T23:59:59.999999Z"),
        ("0002-03-04 05:06:07Z BC", "0002-03-04 05:06:07 BC", "-000001-03-04T05:06:07.000000Z"),
        ("0044-03-15 12:00:00.25Z BC", "0044-03-15 12:00:00 BC", "-000043-03-15T12:00:00.250000Z"),
        ("4714-11-24 00:00:00Z BC", "4714-11-24 00:00:00 BC", "-004713-11-24T00:00:00.000000Z"),
        ("1969-12-31 23:59:59.999999Z", "1969-12-31 23:59:59", "1969-12-31T23:59:59.999999Z"),
        ("2016-12-31 23:59:60Z", "2017-01-01 00:00:00", "2017-01-01T00:00:00.000000Z"),
    ],
)
async def test_an_extreme_instant_is_never_written_as_another(
    owner: Connection, instant: str, spreadsheet: str, machine: str
) -> None:
    assert await instants(owner, [instant], Style()) == [spreadsheet]
    assert await instants(owner, [instant], Style("machine")) == [machine]


@pytest.mark.parametrize("style", [Style(time_zone="Europe/Berlin"), Style("machine")], ids=["spreadsheet", "machine"])
async def test_the_sessions_zone_does_not_matter(owner: Connection, style: Style) -> None:
    asked = ["2024-07-01 12:00:00.123456+00", "infinity", "0044-03-15 12:00:00Z BC"]
    before = await instants(owner, asked, style)
    await owner.execute("SET TimeZone = 'America/St_Johns'")
    assert await instants(owner, asked, style) == before


async def test_the_other_kinds_of_cells_are_the_same_in_both_profiles(owner: Connection) -> None:
    fields = [Field("d", "D", CellType.DATE), Field("b", "B", CellType.BOOLEAN), Field("n", "N", CellType.NUMBER)]
    rows: list[list[str | None]] = [
        ["2024-02-29", "t", "-12.50"],
        ["0044-03-15 BC", "f", "12345678901234567890"],
        [None] * 3,
    ]
    assert await write_rows(owner, fields, rows, Style(time_zone="Asia/Kathmandu")) == (
        line("2024-02-29", "true", "-12.50")
        + line("0044-03-15 BC", "false", "12345678901234567890")
        + line(None, None, None)
    )
    assert await write_rows(owner, fields, rows, Style("machine", time_zone="Asia/Kathmandu")) == (
        b"2024-02-29,true,-12.50\n0044-03-15 BC,false,12345678901234567890\n,,\n"
    )


@pytest.mark.parametrize("profile", ["spreadsheet", "machine"])
async def test_no_instant_is_no_cell(owner: Connection, profile: str) -> None:
    style = Style("machine") if profile == "machine" else Style()
    assert await write_rows(owner, [AT, AT], [[None, None]], style) == b",\n"
