"""Every way in which a host writes leaves exactly the history that reading as of a snapshot needs."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from support.installation import Installation

Connection = asyncpg.Connection


@pytest.fixture
async def host(database: Installation) -> AsyncIterator[Connection]:
    connection = await database.connect(database.helpdesk_url)
    yield connection
    await connection.close()


@pytest.fixture
async def owner(database: Installation) -> AsyncIterator[Connection]:
    connection = await database.connect()
    yield connection
    await connection.close()


async def xid(connection: Connection) -> int:
    return int(await connection.fetchval("SELECT pg_current_xact_id()"))


async def history(owner: Connection, table: str = "teams") -> list[tuple[object, ...]]:
    rows = await owner.fetch(f"SELECT name, valid_from, valid_to FROM {table}_history ORDER BY valid_from, name")
    return [tuple(row) for row in rows]


async def add_team(host: Connection, name: str = "first") -> int:
    """Return the transaction that inserted it."""
    return int(await host.fetchval("INSERT INTO teams (name) VALUES ($1) RETURNING valid_from", name))


async def test_an_update_and_a_delete_each_keep_the_row_as_it_was(host: Connection, owner: Connection) -> None:
    inserted = await add_team(host)
    updated = await host.fetchval("UPDATE teams SET name = 'second' WHERE name = 'first' RETURNING valid_from")
    async with host.transaction():
        deleted = await xid(host)
        await host.execute("DELETE FROM teams WHERE name = 'second'")
    assert await history(owner) == [("first", inserted, updated), ("second", updated, deleted)]


async def test_history_holds_every_column_of_a_ticket(host: Connection, owner: Connection) -> None:
    before = dict(await host.fetchrow("SELECT * FROM tickets WHERE id = 45") or {})
    updated = await host.fetchval("UPDATE tickets SET title = 'x', custom = '{}' WHERE id = 45 RETURNING valid_from")
    kept = await owner.fetchrow("SELECT * FROM tickets_history WHERE id = 45")
    assert kept is not None
    assert dict(kept) == {**before, "valid_to": updated}


@pytest.mark.parametrize("named", ["3", "18446744073709551610"])
async def test_a_writer_that_names_valid_from_is_overruled(host: Connection, named: str) -> None:
    async with host.transaction():
        current = await xid(host)
        assert current == await host.fetchval(
            "INSERT INTO teams (name, valid_from) VALUES ('a', $1::text::xid8) RETURNING valid_from", named
        )
    async with host.transaction():
        current = await xid(host)
        assert current == await host.fetchval(
            "UPDATE teams SET valid_from = $1::text::xid8 WHERE name = 'a' RETURNING valid_from", named
        )


async def test_what_one_transaction_wrote_and_changed_again_leaves_no_version(
    host: Connection, owner: Connection
) -> None:
    async with host.transaction():
        await add_team(host)
        await host.execute("UPDATE teams SET name = 'second' WHERE name = 'first'")
        await host.execute("DELETE FROM teams WHERE name = 'second'")
    assert await history(owner) == []


async def test_a_row_changed_twice_by_one_transaction_keeps_only_what_was_there_before(
    host: Connection, owner: Connection
) -> None:
    inserted = await add_team(host)
    async with host.transaction():
        changed = await xid(host)
        await host.execute("UPDATE teams SET name = 'second' WHERE name = 'first'")
        await host.execute("UPDATE teams SET name = 'third' WHERE name = 'second'")
    assert await history(owner) == [("first", inserted, changed)]


async def test_a_rolled_back_savepoint_leaves_nothing_and_the_next_change_is_kept(
    host: Connection, owner: Connection
) -> None:
    inserted = await add_team(host)
    async with host.transaction():
        changed = await xid(host)
        await host.execute("SAVEPOINT s; UPDATE teams SET name = 'lost' WHERE name = 'first'; ROLLBACK TO s")
        await host.execute("SAVEPOINT s; UPDATE teams SET name = 'second' WHERE name = 'first'; RELEASE s")
    assert await history(owner) == [("first", inserted, changed)]


async def test_a_rolled_back_transaction_leaves_nothing(host: Connection, owner: Connection) -> None:
    await add_team(host)
    await host.execute("BEGIN; UPDATE teams SET name = 'lost' WHERE name = 'first'; ROLLBACK")
    assert await history(owner) == []


async def test_on_conflict_merge_and_a_changed_key_keep_the_old_version(host: Connection, owner: Connection) -> None:
    await host.execute("INSERT INTO languages VALUES ('xx', 'one')")
    await host.execute(
        "INSERT INTO languages VALUES ('xx', 'two') ON CONFLICT (developer_name) DO UPDATE SET label = excluded.label"
    )
    await host.execute("""
        MERGE INTO languages USING (VALUES ('xx', 'three')) v (name, label) ON developer_name = v.name
        WHEN MATCHED THEN UPDATE SET label = v.label""")
    await host.execute("UPDATE languages SET developer_name = 'yy' WHERE developer_name = 'xx'")
    kept = await owner.fetch("SELECT developer_name, label FROM languages_history ORDER BY valid_from")
    assert [tuple(row) for row in kept] == [("xx", "one"), ("xx", "two"), ("xx", "three")]
    joined = await owner.fetchval("""
        SELECT count(*) FROM languages_history old JOIN languages_history next ON next.valid_from = old.valid_to""")
    assert joined == 2


async def test_copy_is_stamped_and_cascades_are_kept(host: Connection, owner: Connection) -> None:
    await host.copy_records_to_table(
        "comments", schema_name="helpdesk", columns=["ticket_id", "body"], records=[(45, "a"), (45, "b")]
    )
    assert await host.fetchval("SELECT min(valid_from) > '3' FROM comments")
    await host.execute("DELETE FROM tickets WHERE id = 45")
    assert await owner.fetchval("SELECT array_agg(body ORDER BY body) FROM comments_history") == ["a", "b"]
    assert await owner.fetchval("SELECT count(*) FROM tickets_history WHERE id = 45") == 1


async def test_a_replica_role_writes_history_too(owner: Connection) -> None:
    inserted = await add_team(owner)
    await owner.execute("SET session_replication_role = replica")
    await owner.execute("UPDATE teams SET name = 'second' WHERE name = 'first'")
    assert [row[:2] for row in await history(owner)] == [("first", inserted)]


async def test_truncate_is_refused(host: Connection) -> None:
    with pytest.raises(asyncpg.FeatureNotSupportedError, match="versioned for exports"):
        await host.execute("TRUNCATE tickets CASCADE")
    assert await host.fetchval("SELECT count(*) FROM tickets") == 890


async def test_a_bulk_update_takes_no_transaction_id_per_row(host: Connection, owner: Connection) -> None:
    """A subtransaction that writes takes one each: beyond 64 they would slow every snapshot of the cluster down."""
    async with host.transaction():
        current = await xid(host)
        await host.execute("UPDATE tickets SET title = title || '!'")
    # Autovacuum may have taken a few.
    assert await xid(owner) < current + 64
    assert await owner.fetchval("SELECT count(*) FROM tickets_history") == 890


async def test_a_hot_update_stays_hot(host: Connection, owner: Connection) -> None:
    await owner.execute("ALTER TABLE teams SET (fillfactor = 50)")
    await owner.execute("VACUUM FULL teams")
    await host.execute("UPDATE teams SET name = name || '!'")
    await host.execute("SELECT pg_stat_force_next_flush()")
    assert await host.fetchval("SELECT n_tup_hot_upd > 0 FROM pg_stat_user_tables WHERE relname = 'teams'")
