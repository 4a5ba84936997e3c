"""A page costs what it holds, not what the helpdesk holds: bounded statements go by index, live rows and history both."""

import re
from dataclasses import replace

import pytest

from export_worker.source import _RESOURCES, SESSION
from integration.views.plans import Plan, explain, scans_of
from integration.views.reading import Connection, Moment, now
from support.installation import Installation
from ticket_export.views.compile import LEAST_ID, Key, Page
from ticket_export.views.scopes import SCOPES

EVERY_SCOPE = pytest.mark.parametrize("scope", list(SCOPES))
TICKETS = 20_000

FILL = """
INSERT INTO tickets (id, title, status, priority, assignee_id, creation_time, sla_status)
SELECT n, 'Ticket ' || n, (ARRAY(SELECT developer_name FROM statuses))[1 + n % 4],
       (ARRAY(SELECT developer_name FROM priorities))[1 + n % 3], (ARRAY(SELECT id FROM staff LIMIT 20))[n % 25],
       timestamptz '2020-01-01 00:00:00+00' + n * interval '7 minutes', CASE n % 9 WHEN 0 THEN 'breached' END
FROM generate_series(1, $1::int) AS n
"""


@pytest.fixture(scope="module")
def filled() -> list[Moment]:
    return []


@pytest.fixture
async def large(desk: Installation, owner: Connection, filled: list[Moment]) -> Moment:
    """A helpdesk of many tickets, a tenth of which has changed; the session is like a worker's."""
    if not filled:
        await owner.execute("DELETE FROM tickets")
        await owner.execute(FILL.replace("$1", str(TICKETS)))
        filled.append(await now(owner))
        await owner.execute("UPDATE tickets SET title = title || '.' WHERE id % 10 = 0")
        await owner.execute("VACUUM ANALYZE")
    for name, value in (SESSION | _RESOURCES).items():
        await owner.execute("SELECT set_config($1, $2, false)", name, value)
    return filled[0]


def assert_by_index(plan: Plan, most_rows: int) -> None:
    for table in ("tickets", "tickets_history"):
        scans = scans_of(plan, table)
        assert {node["Node Type"] for node in scans} <= {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}, table
        assert scans
        assert sum(node["Actual Rows"] for node in scans) <= most_rows
        conditions = " ".join(str(node.get("Index Cond", node.get("Recheck Cond"))) for node in scans)
        # What one person follows is few enough to be found by id.
        assert re.search(r"creation_time|id = ANY \(\(InitPlan", conditions)


# Two days in the middle, as a plan bounds its pages, and as it does within an instant.
NEWER, OLDER, ROWS = "2020-02-20 10:00:00+00", "2020-02-18 10:00:00+00", 412
BOUNDS = pytest.mark.parametrize(
    "page",
    [Page(Key(NEWER, LEAST_ID), Key(OLDER, LEAST_ID)), Page(Key(NEWER, 1), Key(OLDER, 1))],
    ids=["by instants", "by ids"],
)


@EVERY_SCOPE
@BOUNDS
async def test_a_page_goes_by_index(large: Moment, owner: Connection, scope: str, page: Page) -> None:
    assert_by_index(await explain(owner, large.view(scope).copy().for_page(page)), ROWS)


async def test_the_size_of_a_page_is_estimated_well(large: Moment, owner: Connection) -> None:
    page = Page(Key(NEWER, LEAST_ID), Key(OLDER, LEAST_ID))
    plan = await explain(owner, large.view("open").copy().for_page(page))
    (both,) = (node for node in plan if node["Node Type"] in {"Append", "Merge Append"})
    assert both["Actual Rows"] == ROWS
    assert ROWS / 2 < both["Plan Rows"] < ROWS * 2
    assert ROWS / 4 < plan[0]["Plan Rows"] < ROWS * 2


# Views of which every few tickets are one: in the others a list reads on until it has found enough.
@pytest.mark.parametrize("scope", ["all", "open", "unassigned", "overdue"])
@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("bounded", [True, False])
async def test_a_page_of_a_list_reads_little_more_than_it_shows(
    large: Moment, owner: Connection, scope: str, *, newest_first: bool, bounded: bool
) -> None:
    # As the API reads a list: from the live tables, in the transaction of its moment.
    view = replace(large.view(scope), snapshot=None)
    beyond = "infinity" if newest_first else "-infinity"
    edge = (NEWER if bounded else beyond, "1")
    plan = await explain(owner, view.listing(50, after=edge) if newest_first else view.listing(50, before=edge))
    assert {node["Node Type"] for node in scans_of(plan, "tickets")} == {"Index Scan"}
    assert sum(node["Actual Rows"] for node in scans_of(plan, "tickets")) < 1_000
    assert not scans_of(plan, "tickets_history")
    assert not {"Sort", "Hash Join"} & {node["Node Type"] for node in plan}
