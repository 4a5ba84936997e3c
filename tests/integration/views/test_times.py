"""Instants in cells: cut to their second, never rounded, whatever the session's zone."""

from datetime import UTC, datetime, timedelta

import pytest

from export_worker.source import Source
from integration.views.reading import Connection, copy, line, now
from ticket_export.views.compile import Page

FRACTIONS = [
    datetime(2023, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2024, 2, 29, 23, 59, 59, 500_000, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC),
    datetime(1900, 1, 1, 0, 0, 0, 500_001, tzinfo=UTC),
    datetime(9998, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]
WHOLE = [
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2000, 1, 1, tzinfo=UTC),
    datetime(2024, 3, 31, 1, 0, 0, tzinfo=UTC),
    datetime(2024, 10, 27, 1, 30, 0, tzinfo=UTC),
]


def cut(instant: datetime) -> str:
    """Return the second in which the instant lies, by counting from the year 1."""
    since = instant - datetime(1, 1, 1, tzinfo=UTC)
    second = datetime(1, 1, 1, tzinfo=UTC) + timedelta(days=since.days, seconds=since.seconds)
    return f"{second.year:04}-{second:%m-%d %H:%M:%S}"


async def put(owner: Connection, instants: list[datetime]) -> None:
    await owner.execute("DELETE FROM tickets")
    status = await owner.fetchval("SELECT developer_name FROM statuses LIMIT 1")
    await owner.executemany(
        "INSERT INTO tickets (id, title, status, creation_time, sla_due_at) VALUES ($1, '', $2, $3, $4)",
        [
            (number, status, instant, None if number % 3 == 0 else instant + timedelta(microseconds=-1))
            for number, instant in enumerate(instants, start=2)
        ],
    )


@pytest.mark.parametrize("instants", [FRACTIONS, WHOLE], ids=["fractions", "whole"])
async def test_an_instant_is_written_as_its_second(owner: Connection, source: Source, instants: list[datetime]) -> None:
    await put(owner, instants)
    view = (await now(owner)).view("all", "id", "creation_time", "sla_due_at")
    lines = [
        (
            instant,
            line(
                str(number),
                cut(instant),
                None if number % 3 == 0 else cut(instant - timedelta(microseconds=1)),
            ),
        )
        for number, instant in enumerate(instants, start=2)
    ]
    assert await copy(source, view) == b"".join(text for _, text in sorted(lines, reverse=True))


async def test_the_sessions_zone_does_not_matter(owner: Connection) -> None:
    await put(owner, [*FRACTIONS, *WHOLE])
    statement = (await now(owner)).view("all", "id", "creation_time", "sla_due_at").copy().for_page(Page())
    before = await owner.fetch(statement)
    await owner.execute("SET TimeZone = 'America/St_Johns'")
    assert await owner.fetch(statement) == before
    assert len(before) == len(FRACTIONS) + len(WHOLE)
    assert all(row[1].tzinfo is None and row[1].microsecond == 0 for row in before)
