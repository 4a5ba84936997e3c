"""The demo's helpdesk stands at the cut, its replay is what really happened, and preparing it again rewinds it."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from local_stack.demo import Replay, prepare_helpdesk
from local_stack.demo.people import ADA, BOB, CARA, DAN, VIEWS
from local_stack.demo.replay import ReplayOverError
from support.installation import Installation

AT_ONCE = 1_000_000.0


@pytest.fixture
async def owner(database: Installation) -> AsyncIterator[asyncpg.Connection]:
    connection = await database.connect()
    yield connection
    await connection.close()


async def prepare(database: Installation) -> None:
    await prepare_helpdesk(admin_url=database.admin_url, helpdesk_url=database.helpdesk_url, schema="helpdesk")


async def tickets(owner: asyncpg.Connection) -> list[str]:
    rows = await owner.fetch("SELECT (to_jsonb(t) - 'valid_from')::text AS line FROM tickets t ORDER BY id")
    return [row["line"] for row in rows]


async def count_by(owner: asyncpg.Connection, column: str) -> dict[str, int]:
    rows = await owner.fetch(f"""
        SELECT {column} AS value, count(*) FROM tickets t JOIN statuses s ON s.developer_name = t.status GROUP BY 1""")
    return {row["value"]: row["count"] for row in rows}


async def test_the_cut(owner: asyncpg.Connection) -> None:
    assert await count_by(owner, "status_type") == {"open": 564, "closed": 326}
    assert await count_by(owner, "sla_status") == {"on_track": 538, "completed": 314, "breached": 38}
    assert (
        await owner.fetchval("""
        SELECT count(*) FROM tickets t JOIN statuses s ON s.developer_name = t.status
        WHERE s.status_type = 'open' AND t.sla_status = 'breached'""")
        > 0
    ), "the view Overdue must show something"
    row = await owner.fetchrow("""
        SELECT t.title, s.label AS status, p.label AS priority, c.last_name AS caller, g.name AS team,
               t.sla_due_at - t.creation_time AS promised, t.custom ->> 'location' AS location
        FROM tickets t JOIN statuses s ON s.developer_name = t.status JOIN priorities p ON p.developer_name = t.priority
        JOIN contacts c ON c.id = t.contact_id JOIN teams g ON g.id = t.owning_team_id WHERE t.id = 45""")
    assert row is not None
    assert {**row, "promised": str(row["promised"])} == {
        "title": "Category 55: Subcategory 170 (Symptom 72)",
        "status": "Resolved",
        "priority": "Moderate",
        "caller": "2403",
        "team": "Group 56",
        "promised": "3 days, 18:00:00",
        "location": "Location 143",
    }


async def test_the_people_and_their_rights(owner: asyncpg.Connection) -> None:
    rows = await owner.fetch("""
        SELECT s.id, s.is_admin, bit_or(r.permissions) AS permissions FROM staff s
        JOIN staff_roles sr ON sr.staff_id = s.id JOIN roles r ON r.id = sr.role_id GROUP BY s.id""")
    rights = {
        row["id"]: (row["is_admin"], bool(row["permissions"] & 512), bool(row["permissions"] & 2)) for row in rows
    }
    assert rights == {
        ADA.id: (True, True, True),
        BOB.id: (True, False, True),
        CARA.id: (False, True, False),
        DAN.id: (False, False, False),
    }
    views = await owner.fetch("SELECT name, owner_id, definition ->> 'scope' AS scope FROM views ORDER BY id")
    assert [tuple(row) for row in views] == [(v.name, v.owner and v.owner.id, v.scope) for v in VIEWS]


async def test_the_replay_changes_tickets_until_all_are_closed(
    database: Installation, owner: asyncpg.Connection
) -> None:
    async with Replay(database.helpdesk_url, "helpdesk", changes_per_second=AT_ONCE) as replay:
        await replay.first_change()
        assert not replay.done
        await replay.finished()
        assert replay.changes == 3450
        with pytest.raises(ReplayOverError, match="after 3450 changes"):
            await replay.reached(3451)
    assert await count_by(owner, "status") == {"closed": 890}
    assert await owner.fetchval("SELECT count(DISTINCT valid_to) FROM tickets_history") == 3450
    really = await owner.fetchval("""
        SELECT count(*) FROM tickets_history old
        JOIN (SELECT id, status, priority, assignee_id, owning_team_id, valid_from FROM tickets_history UNION ALL
              SELECT id, status, priority, assignee_id, owning_team_id, valid_from FROM tickets) next
          ON next.id = old.id AND next.valid_from = old.valid_to
        WHERE (next.status, next.priority, next.assignee_id, next.owning_team_id)
           IS DISTINCT FROM (old.status, old.priority, old.assignee_id, old.owning_team_id)""")
    assert really > 1500, "most changes are to be seen in a view"


async def test_preparing_again_rewinds_the_log_and_leaves_other_peoples_tickets(
    database: Installation, owner: asyncpg.Connection
) -> None:
    before = await tickets(owner)
    async with Replay(database.helpdesk_url, "helpdesk", changes_per_second=AT_ONCE) as replay:
        await replay.reached(400)
    assert 400 <= replay.changes < 3450
    await owner.execute("DELETE FROM tickets WHERE id = 45")
    assert await tickets(owner) != before
    mine = await owner.fetchval("INSERT INTO tickets (title, status) VALUES ('mine', 'new') RETURNING id")
    await prepare(database)
    assert await owner.fetchval("SELECT title FROM tickets WHERE id = $1", mine) == "mine"
    await owner.execute("DELETE FROM tickets WHERE id = $1", mine)
    assert await tickets(owner) == before
    written = await owner.fetchval("SELECT count(*) FROM tickets_history")
    await prepare(database)
    assert await owner.fetchval("SELECT count(*) FROM tickets_history") == written, (
        "nothing differed: nothing is written"
    )
    async with Replay(database.helpdesk_url, "helpdesk", changes_per_second=AT_ONCE) as replay:
        await replay.reached(100)


async def test_a_deleted_ticket_is_no_change(database: Installation, owner: asyncpg.Connection) -> None:
    await owner.execute("DELETE FROM tickets WHERE id <> 45")
    async with Replay(database.helpdesk_url, "helpdesk", changes_per_second=AT_ONCE) as replay:
        await replay.finished()
    assert replay.changes == 1, "after the cut, ticket 45 is closed and nothing else"


async def test_stopping_is_prompt_however_slow_the_pace(database: Installation) -> None:
    async with Replay(database.helpdesk_url, "helpdesk", changes_per_second=0.01) as replay:
        await replay.stop()
        assert replay.changes == 0
        with pytest.raises(ReplayOverError, match="after 0 changes"):
            await replay.first_change()


async def replay_all(database: Installation) -> None:
    async with Replay(database.helpdesk_url, "helpdesk", changes_per_second=AT_ONCE) as replay:
        with pytest.raises(ReplayOverError):
            await replay.reached(3450)


async def test_what_ended_the_replay_is_raised(database: Installation, owner: asyncpg.Connection) -> None:
    await owner.execute("ALTER TABLE tickets ADD CHECK (status <> 'closed') NOT VALID")
    with pytest.raises(asyncpg.CheckViolationError):
        await replay_all(database)
