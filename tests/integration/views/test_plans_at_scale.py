"""At a million tickets every built-in view is read by index, and nothing sorts more than it shows."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr

from export_api.database import Database
from export_api.queries.source import Source, SourceReading
from export_api.use_cases.list_tickets import PAGE_ROWS, Place, list_tickets
from export_api.use_cases.resolve_view import AskedView
from export_worker.source import _RESOURCES, SESSION
from integration.views.plans import Plan, explain, plan_rows, rows_read, scans_of
from integration.views.reading import Connection, Moment, now
from local_stack.demo.people import ADA
from local_stack.seed import seed_tickets
from support.installation import Installation
from ticket_export.database.connection import open_pool
from ticket_export.snapshot import Snapshot
from ticket_export.views.compile import LEAST_ID, CompiledView, Key, Page, compile_view
from ticket_export.views.payload import BUILT_IN_VIEWS, ViewPayload

TICKETS = 1_000_000
EVERY_VIEW = pytest.mark.parametrize("view", list(BUILT_IN_VIEWS))
TABLES = ("tickets", "tickets_history")
INDEXED = {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}
# What one in fifty tickets or more belongs to: 26 of them are found close to where the list begins.
WIDE = {"all", "open", "closed", "overdue"}


@dataclass
class Scale:
    """A helpdesk of a million tickets at two moments: as it is, and before a hundredth of it was changed."""

    before: Moment
    after: Moment
    teams: tuple[object, ...]
    page: Page
    page_rows: int

    def view(self, name: str, moment: Moment) -> CompiledView:
        definition = BUILT_IN_VIEWS[name].definition
        payload = ViewPayload.model_validate(
            {
                **definition.model_dump(exclude_none=True),
                "requester_id": ADA.id,
                "requester_team_ids": self.teams,
            }
        )
        return compile_view(
            payload,
            snapshot=Snapshot.parse(moment.snapshot),
            requested_at=moment.at,
            source_schema="helpdesk",
            bookkeeping_schema="export_source",
        )


_made: list[Scale] = []


@pytest.fixture
async def scale(desk: Installation, owner: Connection) -> Scale:
    if not _made:
        await seed_tickets(desk.admin_url, schema="helpdesk", tickets=TICKETS)
        before = await now(owner)
        await owner.execute("UPDATE tickets SET last_modification_time = clock_timestamp() WHERE id % 100 = 7")
        await owner.execute("VACUUM (ANALYZE)")
        after = await now(owner)
        _made.append(await _measured(owner, before, after))
    for name, value in (SESSION | _RESOURCES).items():
        await owner.execute("SELECT set_config($1, $2, false)", name, value)
    return _made[0]


async def _measured(owner: Connection, before: Moment, after: Moment) -> Scale:
    teams = await owner.fetch("SELECT team_id FROM team_members WHERE staff_id = $1", ADA.id)
    # A page as a plan cuts it: a fifth of all tickets, in the middle.
    bounds = await owner.fetchrow("""
        SELECT (cuts[1])::text AS lower, (cuts[2])::text AS upper FROM (
            SELECT percentile_disc(ARRAY[0.4, 0.6]) WITHIN GROUP (ORDER BY creation_time) AS cuts FROM tickets) x""")
    assert bounds is not None
    page = Page(Key(bounds["upper"], LEAST_ID), Key(bounds["lower"], LEAST_ID))
    rows = await owner.fetchval(
        "SELECT count(*) FROM tickets WHERE creation_time < $1::text::timestamptz AND creation_time >= $2::text::timestamptz",
        bounds["upper"],
        bounds["lower"],
    )
    return Scale(before, after, tuple(row["team_id"] for row in teams), page, rows)


def assert_indexed(plan: Plan) -> None:
    for table in TABLES:
        assert {node["Node Type"] for node in scans_of(plan, table)} <= INDEXED, table


def most_sorted(plan: Plan) -> int:
    """Return how many rows the largest sort took."""
    return max((plan_rows(child) for node in plan if "Sort" in node["Node Type"] for child in node["Plans"]), default=0)


@EVERY_VIEW
async def test_a_page_of_an_export(scale: Scale, owner: Connection, view: str) -> None:
    for moment in (scale.after, scale.before):
        plan = await explain(owner, scale.view(view, moment).copy().for_page(scale.page))
        assert_indexed(plan)
        assert rows_read(plan, "tickets") <= scale.page_rows
        assert rows_read(plan, "tickets_history") <= TICKETS / 50
        assert most_sorted(plan) <= scale.page_rows


@dataclass
class Explained:
    """The plans of what the API asks of the helpdesk, last one last."""

    plans: list[Plan] = field(default_factory=list)


@pytest.fixture
def explained(monkeypatch: pytest.MonkeyPatch) -> Explained:
    """Explain every compiled statement in the API's own transaction before it runs."""
    seen, really = Explained(), SourceReading.fetch_compiled

    async def explain_and_fetch(self: SourceReading, statement: str) -> object:
        seen.plans.append(await explain(self.connection, statement))
        return await really(self, statement)

    monkeypatch.setattr(SourceReading, "fetch_compiled", explain_and_fetch)
    return seen


@pytest.fixture
async def api_source(desk: Installation) -> AsyncIterator[Source]:
    pool = await open_pool(SecretStr(desk.source_reader_url), schema="helpdesk", application_name="export-api")
    async with pool:
        yield Source(Database(pool), "helpdesk", "export_source")


@EVERY_VIEW
async def test_a_page_on_screen(scale: Scale, api_source: Source, explained: Explained, view: str) -> None:
    shown = await list_tickets(api_source, username="ada", asked=AskedView(view_id=view), place=Place())
    assert len(shown.rows) == min(PAGE_ROWS, shown.total) > 0
    plan = explained.plans[-1]
    assert plan[0]["Node Type"] == "Limit"
    assert_indexed(plan)
    assert most_sorted(plan) <= TICKETS / 1_000
    assert rows_read(plan, "tickets") <= (1_000 if view in WIDE else TICKETS)
    assert not scans_of(plan, "tickets_history"), (
        "nothing of it belongs to the list, but a walk by order would read it all"
    )
