"""Whatever the host does to its own tables, its writes succeed; exports notice when they cannot be exact any more."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from support.installation import Installation

Connection = asyncpg.Connection


@pytest.fixture
async def sessions(database: Installation) -> AsyncIterator[tuple[Connection, Connection]]:
    """Two sessions of the host; the first has already written, so that its plans are made."""
    known, fresh = [await database.connect(database.helpdesk_url) for _ in range(2)]
    for _ in range(7):  # past the point where plpgsql keeps a generic plan
        await known.execute("UPDATE tickets SET title = title || '.' WHERE id = 45")
        await known.execute("INSERT INTO tickets (id, title, status) VALUES (1, 'one', 'new')")
        await known.execute("DELETE FROM tickets WHERE id = 1")
    yield known, fresh
    await known.close()
    await fresh.close()


@pytest.fixture
async def reader(database: Installation) -> AsyncIterator[Connection]:
    connection = await database.connect(database.source_reader_url)
    yield connection
    await connection.close()


async def is_safe(reader: Connection, *tables: str) -> bool:
    asked = list(tables) or None
    return bool(
        await reader.fetchval("SELECT export_source.assert_safe(pg_current_snapshot()::text, $1::text[])", asked)
    )


async def signature(reader: Connection) -> str:
    return str(await reader.fetchval("SELECT export_source.signature()"))


async def write(host: Connection, number: int) -> None:
    """Insert, update and delete, without naming a column that may be gone."""
    await host.execute(f"INSERT INTO tickets (id, status) VALUES ({number}, 'new')")
    await host.execute(f"UPDATE tickets SET status = 'active' WHERE id = {number}")
    await host.execute("UPDATE tickets SET status = 'active' WHERE id = 45")
    await host.execute(f"DELETE FROM tickets WHERE id = {number}")


HARMLESS = {
    "add": "ALTER TABLE tickets ADD COLUMN colour text NOT NULL DEFAULT 'red'",
    "drop what is not ours": "ALTER TABLE tickets ADD COLUMN colour text; ALTER TABLE tickets DROP COLUMN colour",
    "index": "CREATE INDEX ON tickets (category)",
}


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
async def test_what_is_not_ours_may_change_under_a_running_job(
    sessions: tuple[Connection, Connection], reader: Connection, change: str
) -> None:
    before = await signature(reader)
    await sessions[0].execute("ALTER TABLE tickets ALTER title SET DEFAULT 'untitled'")
    await sessions[0].execute(change)
    for number, host in enumerate(sessions, start=2):
        await write(host, number)
    assert await is_safe(reader)
    assert await signature(reader) == before
    assert await reader.fetchval("SELECT count(*) FROM tickets_history WHERE id IN (2, 3)") == 4


CONVERTED = {
    "same storage": "ALTER TABLE tickets ALTER title TYPE varchar",
    "narrower": "ALTER TABLE tickets ALTER contact_id DROP DEFAULT, ALTER id TYPE integer",
    "other form": "ALTER TABLE tickets ALTER custom TYPE json",
}


@pytest.mark.parametrize("change", CONVERTED.values(), ids=CONVERTED)
async def test_a_type_that_still_converts_keeps_history_going_in_old_sessions_and_new(
    sessions: tuple[Connection, Connection], reader: Connection, change: str
) -> None:
    before = await signature(reader)
    await sessions[0].execute("ALTER TABLE tickets ALTER title SET DEFAULT 'untitled'")
    await sessions[0].execute(change)
    for number, host in enumerate(sessions, start=2):
        await write(host, number)
    assert await is_safe(reader)
    assert await signature(reader) != before, "running jobs must not go on: values may look different now"
    kept = await reader.fetch(
        "SELECT id, title, status, custom FROM tickets_history WHERE id IN (2, 3) ORDER BY 1, 3 DESC"
    )
    assert [tuple(row) for row in kept] == [
        (number, "untitled", status, "{}") for number in (2, 3) for status in ("new", "active")
    ]


BREAKING = {
    "drop": "ALTER TABLE tickets DROP COLUMN description",
    "rename": "ALTER TABLE tickets RENAME COLUMN description TO body",
    "drop ours": "ALTER TABLE tickets DROP COLUMN valid_from",
    "rename ours": "ALTER TABLE tickets RENAME COLUMN valid_from TO since",
    "other type": "ALTER TABLE tickets ALTER assignee_id DROP DEFAULT, DROP CONSTRAINT tickets_assignee_id_fkey, "
    "ALTER assignee_id TYPE text USING 'somebody'",
    "trigger off": "ALTER TABLE tickets DISABLE TRIGGER zz_hist",
    "triggers off and on": "ALTER TABLE tickets DISABLE TRIGGER USER; ALTER TABLE tickets ENABLE TRIGGER USER",
    "trigger gone": "DROP TRIGGER zz_stamp ON tickets",
    "another table": "ALTER TABLE tickets RENAME TO old_tickets; CREATE TABLE tickets (LIKE old_tickets INCLUDING ALL)",
}


@pytest.mark.parametrize("change", BREAKING.values(), ids=BREAKING)
async def test_a_loss_never_fails_the_write_and_ends_exports_of_that_table_only(
    sessions: tuple[Connection, Connection], reader: Connection, change: str
) -> None:
    await sessions[0].execute("ALTER TABLE tickets ALTER title SET DEFAULT 'untitled'")
    await sessions[0].execute(change)
    for number, host in enumerate(sessions, start=2):
        await write(host, number)
    with pytest.raises(asyncpg.PostgresError, match="tickets") as caught:
        await is_safe(reader)
    assert caught.value.sqlstate == "TX003"
    assert await is_safe(reader, "staff", "teams")
    with pytest.raises(asyncpg.PostgresError, match="broken: tickets"):
        await is_safe(reader, "staff", "tickets")


# Not "other type": values may still convert, the first write tells.
@pytest.mark.parametrize("loss", sorted(BREAKING.keys() - {"other type"}))
async def test_a_loss_is_noticed_before_anything_is_written(
    sessions: tuple[Connection, Connection], reader: Connection, loss: str
) -> None:
    await sessions[0].execute(BREAKING[loss])
    with pytest.raises(asyncpg.PostgresError, match="versioning is broken: tickets"):
        await is_safe(reader)


async def test_a_gap_is_recorded_without_the_value_that_caused_it(
    sessions: tuple[Connection, Connection], reader: Connection
) -> None:
    await sessions[0].execute(BREAKING["other type"])
    for _ in range(3):
        await sessions[1].execute("UPDATE tickets SET status = 'active' WHERE id = 45")
    assert [tuple(row) for row in await reader.fetch("SELECT table_name, error FROM export_source.gaps")] == [
        ("tickets", "22P02")
    ]


async def test_a_column_that_may_become_empty_is_kept_empty(
    sessions: tuple[Connection, Connection], reader: Connection
) -> None:
    await sessions[0].execute("ALTER TABLE tickets ALTER title DROP NOT NULL")
    for host in sessions:
        await host.execute("INSERT INTO tickets (id, status) VALUES (2, 'new')")
        await host.execute("DELETE FROM tickets WHERE id = 2")
    kept = await reader.fetch("SELECT title FROM tickets_history WHERE id = 2")
    assert [row["title"] for row in kept] == [None, None]


async def test_a_renamed_schema_fails_no_write(
    sessions: tuple[Connection, Connection], reader: Connection, database: Installation
) -> None:
    owner = await database.connect()
    before = await owner.fetchval("SELECT count(*) FROM tickets_history WHERE id = 45")
    await owner.execute("ALTER SCHEMA helpdesk RENAME TO desk")
    for host in sessions:
        await host.execute("UPDATE desk.tickets SET status = 'active' WHERE id = 45")
    assert await owner.fetchval("SELECT count(*) FROM desk.tickets_history WHERE id = 45") == before + 2
    await owner.close()
    with pytest.raises(asyncpg.PostgresError, match="the table is gone"):
        await is_safe(reader)


async def test_history_cannot_be_dropped_by_the_way(sessions: tuple[Connection, Connection]) -> None:
    with pytest.raises(asyncpg.DependentObjectsStillExistError):
        await sessions[0].execute("DROP TABLE tickets_history")


async def test_a_dropped_table_ends_exports_of_it(sessions: tuple[Connection, Connection], reader: Connection) -> None:
    await sessions[0].execute("DROP TABLE followers")
    with pytest.raises(asyncpg.PostgresError, match=r"followers \(the table is gone\)"):
        await is_safe(reader)
    assert await is_safe(reader, "tickets")
