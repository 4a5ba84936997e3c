"""Every statement of a view says the same, and what an independent reading of the snapshot says; pages miss nothing."""

import random
from dataclasses import dataclass
from itertools import pairwise

import asyncpg
import pytest

from export_worker.pagination import boundaries, choose_instants, find_ties, pages_between
from export_worker.source import Source
from integration.views.reading import Connection, Moment, copy, now
from support.installation import Installation
from support.oracle import expected_rows, parse_csv
from ticket_export.views.compile import FRACTIONS, LEAST_ID, CompiledView, Key, Page

SCOPES = ("all", "open", "unassigned", "overdue")
EVERY_SCOPE = pytest.mark.parametrize("scope", SCOPES)
ONE_INSTANT = "2015-06-01 12:00:00.123456+00"


@dataclass(frozen=True)
class Past:
    """A moment, after which the helpdesk was changed, and while a change was under way."""

    moment: Moment
    expected: dict[str, list[list[str]]]

    def ids(self, scope: str) -> list[int]:
        return [int(row[0]) for row in self.expected[scope][1:]]


@pytest.fixture(scope="module")
def pasts() -> list[Past]:
    """Hold the module's one past, once it is made."""
    return []


async def lay_out(owner: Connection) -> None:
    """Give every scope members, history a past, and one instant more tickets than a page."""
    for change in (
        "UPDATE tickets SET sla_status = 'breached', status = 'new' WHERE id % 3 = 0",
        "UPDATE tickets SET assignee_id = NULL, owning_team_id = NULL WHERE id % 4 = 0",
        "UPDATE tickets SET snoozed_until = now() + (id % 2 * 2 - 1) * interval '1 day' WHERE id % 5 = 0",
        "UPDATE tickets SET deleted_at = now() WHERE id % 11 = 0",
        f"UPDATE tickets SET creation_time = '{ONE_INSTANT}' WHERE id % 6 = 0",
    ):
        await owner.execute(change)


async def change(connection: Connection) -> None:
    for statement in (
        "UPDATE tickets SET title = 'changed later', creation_time = creation_time + '1 year' WHERE id % 7 = 0",
        "DELETE FROM tickets WHERE id % 13 = 0",
        "UPDATE tickets SET deleted_at = CASE WHEN deleted_at IS NULL THEN now() END WHERE id % 17 = 0",
        "UPDATE statuses SET label = label || ' later', status_type = 'closed'",
        "UPDATE staff SET first_name = 'Later'",
        "DELETE FROM tickets WHERE priority IN (SELECT developer_name FROM priorities ORDER BY 1 LIMIT 1)",
        "DELETE FROM priorities WHERE developer_name IN (SELECT developer_name FROM priorities ORDER BY 1 LIMIT 1)",
        "INSERT INTO tickets (title, status, creation_time) SELECT 'later', status, creation_time FROM tickets LIMIT 50",
    ):
        await connection.execute(statement)


@pytest.fixture
async def past(desk: Installation, owner: Connection, pasts: list[Past]) -> Past:
    if not pasts:
        await lay_out(owner)
        writer = await desk.connect()
        try:
            async with writer.transaction():
                # Running when the snapshot is taken, committed before anything is read.
                await writer.execute("UPDATE tickets SET title = 'under way' WHERE id % 19 = 0")
                await writer.execute(
                    "INSERT INTO tickets (title, status) SELECT 'under way', status FROM tickets LIMIT 5"
                )
                await owner.fetchval("SELECT pg_current_xact_id()")
                moment = await now(owner)
                assert moment.parsed.running
            await change(writer)
        finally:
            await writer.close()
        expected = {
            scope: await expected_rows(owner, snapshot=moment.snapshot, requested_at=moment.at, scope=scope)
            for scope in SCOPES
        }
        pasts.append(Past(moment, expected))
    return pasts[0]


@EVERY_SCOPE
async def test_the_file_is_the_snapshot(past: Past, source: Source, scope: str) -> None:
    view = past.moment.view(scope)
    content = view.header.encode() + await copy(source, view)
    assert parse_csv(content) == past.expected[scope]
    assert len(past.expected[scope]) > 20
    assert b"later" not in content.lower()
    assert b"under way" not in content


@EVERY_SCOPE
async def test_counts_agree(past: Past, source: Source, owner: Connection, scope: str) -> None:
    view = past.moment.view(scope)
    rows = len(past.ids(scope))
    measured = await source.measure(view.measure())
    assert measured.rows == await owner.fetchval(view.count()) == rows
    assert len(measured.cuts) == FRACTIONS - 1


@EVERY_SCOPE
async def test_cuts_are_instants_that_part_the_order_evenly(
    past: Past, source: Source, owner: Connection, scope: str
) -> None:
    view = past.moment.view(scope)
    cuts = (await source.measure(view.measure())).cuts
    instants = [row["at"] for row in await owner.fetch("SELECT unnest($1::text[])::timestamptz AS at", list(cuts))]
    listed = await owner.fetch(view.listing(1_000_000))
    ascending = sorted(row["c7"] for row in listed)
    assert instants == [ascending[-(-len(ascending) * index // FRACTIONS) - 1] for index in range(1, FRACTIONS)]


async def test_an_instant_is_cut_by_id(past: Past, source: Source, owner: Connection) -> None:
    view = past.moment.view("all")
    listed = await owner.fetch(view.listing(1_000_000))
    tied = sorted(int(row["place"][1]) for row in listed if row["place"][0] == ONE_INSTANT)
    assert len(tied) > 20
    for pieces in (1, 2, 3, 7):
        cuts = await source.cut_instant(view.cut_instant(ONE_INSTANT, pieces))
        assert list(cuts) == [tied[-(-len(tied) * index // pieces) - 1] for index in range(1, pieces)]
    assert await source.cut_instant(view.cut_instant("1999-01-01 00:00:00+00", 4)) == ()


@EVERY_SCOPE
async def test_a_list_has_the_files_order(past: Past, owner: Connection, scope: str) -> None:
    listed = await owner.fetch(past.moment.view(scope).listing(1_000_000))
    assert [row["c0"] for row in listed] == [int(row["place"][1]) for row in listed] == past.ids(scope)
    assert [row["c7"] for row in listed] == sorted((row["c7"] for row in listed), reverse=True)


@EVERY_SCOPE
@pytest.mark.parametrize("newest_first", [True, False])
async def test_leafing_by_keys_shows_each_ticket_once(
    past: Past, owner: Connection, scope: str, *, newest_first: bool
) -> None:
    view = past.moment.view(scope)
    await owner.execute("SET TimeZone = 'Asia/Kathmandu'")
    statement, seen = view.listing(37), list[int]()
    if not newest_first:
        statement = view.listing(37, before=("-infinity", "0"))
    while rows := await owner.fetch(statement):
        seen += [row["c0"] for row in rows]
        place = rows[-1]["place"]
        statement = view.listing(37, after=place) if newest_first else view.listing(37, before=place)
    assert seen == (past.ids(scope) if newest_first else past.ids(scope)[::-1])


async def test_any_pages_cover_each_ticket_exactly_once(past: Past, source: Source, owner: Connection) -> None:
    view = past.moment.view("all", "id")
    listed = await owner.fetch(view.listing(1_000_000))
    keys = [Key(row["place"][0], int(row["place"][1])) for row in listed]
    dice = random.Random(3)  # noqa: S311 - the same each time
    for pages in (1, 2, 9, 30):
        edges = [keys[index] for index in sorted(dice.sample(range(len(keys)), pages - 1))]
        edges += [Key("1900-01-01 00:00:00+00", 1), Key(ONE_INSTANT, LEAST_ID)] if pages == 30 else []
        order = await owner.fetch(
            "SELECT t, i FROM unnest($1::text[], $2::bigint[]) AS e (t, i) ORDER BY t::timestamptz DESC, i DESC",
            [edge.creation_time for edge in edges],
            [edge.id for edge in edges],
        )
        bounds: list[Key | None] = [None, *(Key(row["t"], row["i"]) for row in order), None]
        parts = [await copy(source, view, Page(*pair)) for pair in pairwise(bounds)]
        assert b"".join(parts) == "".join(f'"{ticket_id}"\n' for ticket_id in past.ids("all")).encode()


@EVERY_SCOPE
@pytest.mark.parametrize("page_rows", [7, 100, 100_000])
async def test_the_pages_of_a_plan_cover_each_ticket_exactly_once(
    past: Past, source: Source, scope: str, page_rows: int
) -> None:
    view = past.moment.view(scope, "id")
    parts = [await copy(source, view, page) for page in await planned(source, view, page_rows)]
    assert b"".join(parts) == "".join(f'"{ticket_id}"\n' for ticket_id in past.ids(scope)).encode()
    rows = len(past.ids(scope))
    wanted = min(FRACTIONS, -(-rows // page_rows))
    longest = max(part.count(b"\n") for part in parts)
    assert longest <= 2 * rows / wanted + 2


async def planned(source: Source, view: CompiledView, page_rows: int) -> list[Page]:
    measured = await source.measure(view.measure())
    instants = choose_instants(measured.rows, measured.cuts, page_rows)
    ids = {
        tie.instant: await source.cut_instant(view.cut_instant(tie.instant, tie.pieces)) for tie in find_ties(instants)
    }
    return [page.page() for page in pages_between(boundaries(instants, ids.__getitem__))]


@pytest.mark.parametrize("kind", ["count", "measure", "copy", "listing", "cut_instant"])
async def test_no_statement_reads_a_snapshot_whose_history_is_gone(past: Past, owner: Connection, kind: str) -> None:
    view = past.moment.view("all")
    # A page that is empty asks too.
    empty = Page(upper=Key("1900-01-01 00:00:00+00", 1))
    statement = {
        "count": view.count(),
        "measure": view.measure(),
        "copy": view.copy().for_page(empty),
        "listing": view.listing(1, after=("1900-01-01 00:00:00+00", "1")),
        "cut_instant": view.cut_instant("1900-01-01 00:00:00+00", 2),
    }[kind]
    await owner.fetch(statement)
    async with owner.transaction():
        await owner.execute("UPDATE export_source.horizon SET xid = ($1::text)::xid8", str(past.moment.parsed.xmin + 1))
        with pytest.raises(asyncpg.PostgresError) as caught:
            async with owner.transaction():
                await owner.fetch(statement)
        await owner.execute("UPDATE export_source.horizon SET xid = ($1::text)::xid8", str(past.moment.parsed.xmin))
        await owner.fetch(statement)
    assert caught.value.sqlstate == "TX001"
