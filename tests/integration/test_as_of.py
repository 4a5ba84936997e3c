"""An export is byte for byte what its snapshot saw, whatever was committed between the request and the last page.

The oracle: inside one REPEATABLE READ transaction the same view is written from the live tables alone, and the
snapshot is taken; then the writers go on, and the export is made page by page with that snapshot.
"""

import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import TypeAlias

import asyncpg
import pytest

from export_worker.pagination import boundaries, choose_instants, find_ties, pages_between
from export_worker.source import SESSION
from local_stack.demo.replay import Replay
from local_stack.servers import Servers
from support.installation import Installation, new_installation
from support.schedules.helpdesk import CHANGES, CLONE, Writer, lay_out
from support.schedules.views import random_view
from ticket_export.snapshot import Snapshot
from ticket_export.source_contract import CONTRACT
from ticket_export.views.compile import CompiledView, Page, compile_view
from ticket_export.views.payload import ViewPayload

BATCHES = 20
SCHEDULES_PER_BATCH = 10
WRITERS = 3
LEAST_ROWS = 4

# Read at the request only: who asks, with which rights and teams, which view; its statement never names them.
CAPTURED = {"roles", "staff_roles", "team_members", "custom_fields", "views"}

# Of the incident log.
REAL_EXPORTS = 12
CHANGES_PER_PAGE = 3
CHANGES_PER_SECOND = 60

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@dataclass(frozen=True)
class Oracle:
    """What the snapshot saw of a view: the rows' bytes in order, and the ids."""

    view: CompiledView
    at: datetime
    content: bytes
    ids: list[int]


@dataclass
class Scene:
    """A helpdesk, a session that reads as the worker does, and the host's writers."""

    reader: Connection
    writers: list[Writer]
    dice: random.Random

    async def view(self) -> Oracle:
        """Take a random view's snapshot while some writers are amid their transactions."""
        for writer in self.dice.sample(self.writers, self.dice.randint(0, WRITERS)):
            await writer.begin()
        while True:
            found = await take(self.reader, random_view(self.dice, requester_id=REQUESTER, team_ids=TEAMS))
            if len(found.ids) >= LEAST_ROWS:
                break
        for writer in self.writers:
            await writer.end()
        return found


REQUESTER = "00000000-0000-0000-0000-000000000103"
TEAMS: list[str] = []
FRESH_IDS = count(900_000_000)
RUN: set[int] = set()
READ: set[str] = set()
COMMITTED: set[str] = set()


def compiled(payload: ViewPayload, snapshot: str | None, at: datetime) -> CompiledView:
    return compile_view(
        payload,
        snapshot=Snapshot.parse(snapshot) if snapshot else None,
        requested_at=at,
        source_schema="helpdesk",
        bookkeeping_schema="export_source",
    )


async def take(reader: Connection, payload: ViewPayload) -> Oracle:
    """Write the view from the live tables in the very transaction whose snapshot is taken."""
    async with reader.transaction(isolation="repeatable_read", readonly=True):
        row = await reader.fetchrow("SELECT now() AS at, pg_current_snapshot()::text AS snapshot")
        assert row is not None
        live = compiled(payload, None, row["at"])
        content = await copied(reader, live)
        ids = [record["c0"] for record in await reader.fetch(live.listing(1_000_000))]
    return Oracle(compiled(payload, row["snapshot"], row["at"]), row["at"], content, ids)


async def copied(reader: Connection, view: CompiledView, page: Page | None = None) -> bytes:
    content = bytearray()

    async def sink(chunk: bytes) -> None:
        content.extend(chunk)

    options = view.copy_options()
    await reader.copy_from_query(
        view.copy().for_page(page or Page()),
        output=sink,
        format="csv",
        delimiter=options.delimiter,
        force_quote=options.force_quote,
    )
    return bytes(content)


async def pages_of(reader: Connection, view: CompiledView, page_rows: int) -> list[Page]:
    """Plan as the worker does."""
    measured = await reader.fetchrow(view.measure())
    assert measured is not None
    if view.follows_creation is None:
        return [Page()]
    instants = choose_instants(measured["rows"], measured["cuts"], page_rows)
    ids = {tie.instant: await reader.fetchval(view.cut_instant(tie.instant, tie.pieces)) for tie in find_ties(instants)}
    pages = [page.page() for page in pages_between(boundaries(instants, ids.__getitem__))]
    return pages if view.follows_creation == "desc" else pages[::-1]


@pytest.fixture(scope="module")
def desk(servers: Servers, template_database: str) -> Iterator[Installation]:
    with new_installation(servers, template_database) as fresh:
        yield fresh


@pytest.fixture(scope="module")
def laid_out() -> list[str]:
    return []


async def session(url: str) -> Connection:
    return await asyncpg.connect(url, server_settings={**SESSION, "search_path": "helpdesk"})


@pytest.fixture
async def scene(desk: Installation, laid_out: list[str], request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    if not laid_out:
        await lay_out(desk)
        laid_out.append(desk.database)
    seed = request.node.callspec.params["batch"] if hasattr(request.node, "callspec") else 0
    reader = await session(desk.source_reader_url)
    hosts = [await session(desk.helpdesk_url) for _ in range(WRITERS)]
    TEAMS[:] = [str(row["id"]) for row in await hosts[0].fetch("SELECT id FROM teams ORDER BY id LIMIT 40")]
    dice = random.Random(seed)  # noqa: S311 - the same each time
    writers = [Writer(host, random.Random(f"{seed} {place}")) for place, host in enumerate(hosts)]  # noqa: S311
    yield Scene(reader, writers, dice)
    for writer in writers:
        COMMITTED.update(writer.committed)
    for connection in (reader, *hosts):
        await connection.close()


async def touch(scene: Scene, oracle: Oracle) -> None:
    """Commit an update, a delete and an insert of tickets of the view, and see that they are there."""
    host, fresh = scene.writers[0].connection, next(FRESH_IDS)
    there = await host.fetch("SELECT id FROM tickets WHERE id = ANY ($1::bigint[]) ORDER BY id", oracle.ids)
    updated, deleted, original = (row["id"] for row in scene.dice.sample(there, 3))
    await host.execute("UPDATE tickets SET title = title || ' changed since' WHERE id = $1", updated)
    await host.execute(CLONE, original, fresh)
    await host.execute("DELETE FROM tickets WHERE id = $1", deleted)
    now = await scene.reader.fetch(
        "SELECT id, title FROM tickets WHERE id = ANY ($1::bigint[])", [updated, deleted, fresh]
    )
    titles = {row["id"]: row["title"] for row in now}
    assert titles.keys() == {updated, fresh}
    assert titles[updated].endswith("changed since")
    assert fresh not in oracle.ids


@pytest.mark.parametrize("batch", range(BATCHES))
async def test_the_file_is_the_database_as_of_its_snapshot(scene: Scene, batch: int) -> None:
    for number in range(SCHEDULES_PER_BATCH):
        oracle = await scene.view()
        assert await export_amid_changes(scene, oracle) == oracle.content, (
            batch,
            number,
            oracle.view.payload.model_dump_json(),
        )
        # The schedule proved something: the view is not what it was.
        assert await copied(scene.reader, compiled(oracle.view.payload, None, oracle.at)) != oracle.content
        READ.update(oracle.view.tables)
    RUN.add(batch)


async def export_amid_changes(scene: Scene, oracle: Oracle) -> bytes:
    """Copy page by page; before each somebody commits, and before a random one the view's own tickets are touched."""
    pages = await pages_of(scene.reader, oracle.view, max(1, len(oracle.ids) // 4))
    assert oracle.view.follows_creation is None or len(pages) > 1
    place = scene.dice.randrange(len(pages))
    content = bytearray()
    for index, page in enumerate(pages):
        if index == place:
            await touch(scene, oracle)
        await scene.dice.choice(scene.writers).change()
        content += await copied(scene.reader, oracle.view, page)
    return bytes(content)


def test_the_schedules_read_and_changed_every_table() -> None:
    if len(RUN) < BATCHES:
        pytest.skip("this judges all batches together: run the whole module")
    assert {table.name for table in CONTRACT} - CAPTURED <= READ
    assert set(CHANGES) <= COMMITTED


@pytest.fixture
async def outsider(installation: Installation) -> AsyncIterator[Connection]:
    """A reader of the incident log's own helpdesk."""
    reader = await session(installation.source_reader_url)
    try:
        yield reader
    finally:
        await reader.close()


async def test_real_events_leak_into_no_export(installation: Installation, outsider: Connection) -> None:
    """The incident log's own changes go on before each page of many exports."""
    dice = random.Random(7)  # noqa: S311 - the same each time
    exports = 0
    async with Replay(installation.helpdesk_url, "helpdesk", changes_per_second=CHANGES_PER_SECOND) as replay:
        while exports < REAL_EXPORTS:
            oracle = await take(outsider, random_view(dice, requester_id=REQUESTER, team_ids=[]))
            if len(oracle.ids) < LEAST_ROWS:
                continue
            content = bytearray()
            for page in await pages_of(outsider, oracle.view, len(oracle.ids) // 4):
                await replay.reached(replay.changes + CHANGES_PER_PAGE)
                content += await copied(outsider, oracle.view, page)
            assert bytes(content) == oracle.content, oracle.view.payload.model_dump_json()
            exports += 1
