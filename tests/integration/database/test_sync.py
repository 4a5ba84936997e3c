"""``ticket-export source sync``: what is broken, missing or superfluous is put right, and nothing else is touched."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator

import asyncpg
import pytest
from pydantic import SecretStr

from export_ops.errors import InstallError, LockedOutError
from export_ops.source.installer import install
from export_ops.source.session import LockPolicy
from export_ops.source.sync import sync
from integration.database.asking import faults, snapshot, verdict, verdict_now
from integration.database.catalog import describe
from support.installation import SCHEMAS, Installation
from ticket_export.source_contract import CONTRACT, Column, source_table

Connection = asyncpg.Connection
BRISK = LockPolicy(timeout_seconds=0.05, attempts=4, pause_seconds=0.01)
PATIENT = LockPolicy(timeout_seconds=0.05, attempts=1000, pause_seconds=0.01)


@pytest.fixture
async def owner(database: Installation) -> AsyncIterator[Connection]:
    connection = await database.connect()
    await connection.execute(f"GRANT CREATE ON DATABASE {database.database} TO ticket_export_installer")
    yield connection
    await connection.close()


@pytest.fixture
async def host(database: Installation) -> AsyncIterator[Connection]:
    connection = await database.connect(database.helpdesk_url)
    yield connection
    await connection.close()


def url_of(database: Installation) -> SecretStr:
    return SecretStr(database.installer_url)


async def assert_exact(owner: Connection, host: Connection, table: str = "teams", column: str = "name") -> None:
    """What a snapshot of now sees is still there after two changes."""
    taken = await snapshot(owner)
    seen = [row[0] for row in await owner.fetch(f"SELECT {column} FROM {table} ORDER BY 1")]
    assert seen
    for _ in range(2):
        await host.execute(f"UPDATE {table} SET {column} = {column} || '!'")
    kept = await owner.fetch(
        f"""
        SELECT {column} FROM {table}_history WHERE pg_visible_in_snapshot(valid_from, $1::text::pg_snapshot)
            AND NOT pg_visible_in_snapshot(valid_to, $1::text::pg_snapshot) ORDER BY 1
        """,
        taken,
    )
    assert [row[0] for row in kept] == seen
    assert await verdict(owner, taken) == "safe"


async def test_with_nothing_to_do_it_changes_nothing(database: Installation, owner: Connection) -> None:
    before = await describe(owner, "helpdesk", "export_source")
    records = await owner.fetch("SELECT * FROM export_source.installs")
    taken = await snapshot(owner)

    assert await sync(url_of(database), SCHEMAS) == []

    assert await describe(owner, "helpdesk", "export_source") == before
    assert await owner.fetch("SELECT * FROM export_source.installs") == records
    assert await verdict(owner, taken) == "safe"


DAMAGES = {
    "its trigger zz_hist is missing": "DROP TRIGGER zz_hist ON teams",
    "its trigger zz_stamp is missing": "ALTER TABLE teams DISABLE TRIGGER zz_stamp",
    "its trigger zz_trunc is missing": "ALTER TABLE teams ENABLE TRIGGER zz_trunc",
    "the host has taken away valid_from": "ALTER TABLE teams DROP COLUMN valid_from",
    "its history is gone": "DROP TABLE teams_history CASCADE",
    "a change was not recorded: 42703": "INSERT INTO export_source.gaps VALUES ('helpdesk', 'teams', '42703')",
}


@pytest.mark.parametrize("reason", DAMAGES)
async def test_a_broken_table_begins_anew_and_earlier_snapshots_are_refused(
    database: Installation, owner: Connection, host: Connection, reason: str
) -> None:
    await host.execute("INSERT INTO teams (name) VALUES ('another')")
    taken = await snapshot(owner)
    await owner.execute(DAMAGES[reason])
    assert await verdict_now(owner) == "TX003"
    heard: list[str] = []

    assert await sync(url_of(database), SCHEMAS, report=heard.append) == ["teams"]

    assert [line.startswith(f"teams: versioned anew, because {reason}") for line in heard] == [True]
    assert await faults(owner) == []
    assert await verdict(owner, taken) == "TX002"
    assert await verdict(owner, taken, "tickets", "staff") == "safe"
    assert await verdict_now(owner) == "safe"
    await assert_exact(owner, host)
    assert await sync(url_of(database), SCHEMAS) == []


async def test_changes_that_were_made_in_the_gap_are_seen_by_later_snapshots_only(
    database: Installation, owner: Connection, host: Connection
) -> None:
    await owner.execute("ALTER TABLE teams DISABLE TRIGGER zz_hist, DISABLE TRIGGER zz_stamp")
    await host.execute("UPDATE teams SET name = 'in the gap', valid_from = '9000000000000000000'")

    await sync(url_of(database), SCHEMAS)

    assert await owner.fetchval("SELECT count(*) FROM teams WHERE valid_from <> '3'") == 0
    await assert_exact(owner, host)


async def test_new_columns_and_tables_of_the_contract_are_versioned(
    helpdesk: Installation,
) -> None:
    """An older release has versioned fewer."""
    teams = source_table("teams")
    older = [dataclasses.replace(teams, columns=teams.columns[:1]) if t is teams else t for t in CONTRACT[:-1]]
    await install(url_of(helpdesk), SCHEMAS, tables=older)
    with pytest.raises(InstallError, match="teams: it was versioned with other columns; `ticket-export source sync`"):
        await install(url_of(helpdesk), SCHEMAS)
    heard: list[str] = []

    assert await sync(url_of(helpdesk), SCHEMAS, report=heard.append) == ["teams", CONTRACT[-1].name]

    assert "teams: versioned anew, with other columns" in heard
    owner, host = await helpdesk.connect(), await helpdesk.connect(helpdesk.helpdesk_url)
    assert await verdict_now(owner) == "safe"
    await assert_exact(owner, host)
    reader = await helpdesk.connect(helpdesk.source_reader_url)
    await reader.execute(
        "SELECT id, name, valid_from FROM teams UNION ALL SELECT id, name, valid_from FROM teams_history"
    )
    for connection in (owner, host, reader):
        await connection.close()


async def test_what_the_contract_has_no_more_is_left_off(
    database: Installation, owner: Connection, host: Connection
) -> None:
    without = [table for table in CONTRACT if table.name != "followers"]

    assert await sync(url_of(database), SCHEMAS, tables=without) == ["followers"]

    assert "followers_history" not in "".join(await describe(owner, "helpdesk"))
    assert not [line for line in await describe(owner, "export_source") if "followers" in line]
    await host.execute("TRUNCATE followers")
    assert await verdict_now(owner) == "safe"


async def test_a_partition_gets_its_triggers_back(helpdesk: Installation) -> None:
    owner = await helpdesk.connect()
    await owner.execute("""
        SET ROLE helpdesk;
        DROP TABLE comments;
        CREATE TABLE comments (id bigint, ticket_id bigint, author_id uuid, body text, creation_time timestamptz)
            PARTITION BY RANGE (id);
        CREATE TABLE comments_1 PARTITION OF comments FOR VALUES FROM (MINVALUE) TO (100);
        CREATE TABLE comments_2 PARTITION OF comments FOR VALUES FROM (100) TO (MAXVALUE);
        RESET ROLE""")
    await install(url_of(helpdesk), SCHEMAS)
    await owner.execute("INSERT INTO comments (id, body) VALUES (1, 'a'), (101, 'b')")
    await owner.execute("ALTER TABLE comments_2 DISABLE TRIGGER zz_hist")
    assert await faults(owner) == ["comments: its trigger zz_hist is missing or not enabled ALWAYS"]

    await sync(url_of(helpdesk), SCHEMAS)

    assert await faults(owner) == []
    await assert_exact(owner, owner, "comments", "body")
    await owner.close()


async def test_missing_indexes_and_grants_come_back(database: Installation, owner: Connection) -> None:
    await owner.execute("DROP INDEX tickets_history_valid_to_export")
    await owner.execute("REVOKE ALL ON tickets_history, teams_history FROM ticket_export_source_pruner")
    await owner.execute("REVOKE ALL ON tickets FROM ticket_export_source_reader")
    await owner.execute("REVOKE ALL ON export_source.horizon FROM ticket_export_source_pruner")
    await owner.execute("REVOKE ALL (xid) ON export_source.horizon FROM ticket_export_source_pruner")
    taken = await snapshot(owner)

    await sync(url_of(database), SCHEMAS)

    assert await owner.fetchval("SELECT to_regclass('tickets_history_valid_to_export') IS NOT NULL")
    reader = await database.connect(database.source_reader_url)
    assert await reader.fetchval("SELECT count(title) FROM tickets") == 890
    await reader.close()
    pruner = await database.connect(database.source_pruner_url)
    await pruner.execute("DELETE FROM tickets_history WHERE valid_to < '3'; UPDATE export_source.horizon SET xid = '3'")
    await pruner.close()
    assert await verdict(owner, taken) == "safe"


async def test_what_only_the_host_can_mend_is_named_when_the_rest_is_done(
    database: Installation, owner: Connection
) -> None:
    await owner.execute("ALTER TABLE staff DROP COLUMN email")
    await owner.execute("DROP TABLE followers")
    await owner.execute("DROP TRIGGER zz_hist ON teams")

    with pytest.raises(InstallError) as caught:
        await sync(url_of(database), SCHEMAS)

    assert str(caught.value).splitlines()[1:] == ["  staff: it lacks email", "  followers: there is no such table"]
    assert [line for line in await faults(owner) if line.startswith("teams")] == []


async def test_a_promotion_is_adopted_and_another_clusters_ids_are_not(
    database: Installation, owner: Connection
) -> None:
    await owner.execute("UPDATE export_source.identity SET timeline_id = 17")
    assert await sync(url_of(database), SCHEMAS) == []
    assert await verdict_now(owner) == "safe"

    await owner.execute("UPDATE export_source.identity SET timeline_id = 17")
    await owner.execute("UPDATE export_source.horizon SET xid = '9000000000000000000'")
    with pytest.raises(InstallError, match="another server; `ticket-export source rebase`"):
        await sync(url_of(database), SCHEMAS)


async def test_a_long_transaction_is_waited_for_without_holding_the_host_up(
    database: Installation, owner: Connection, host: Connection
) -> None:
    await owner.execute("DROP TRIGGER zz_hist ON teams")
    await owner.execute("BEGIN; UPDATE teams SET name = name")
    with pytest.raises(LockedOutError, match="teams stayed locked through 4 attempts"):
        await sync(url_of(database), SCHEMAS, policy=BRISK)
    syncing = asyncio.create_task(sync(url_of(database), SCHEMAS, policy=PATIENT))
    for _ in range(20):
        await asyncio.wait_for(host.fetchval("SELECT count(*) FROM teams"), timeout=5)
    assert not syncing.done()

    await owner.execute("COMMIT")

    assert await syncing == ["teams"]
    await assert_exact(owner, host)


async def test_installing_again_needs_no_lock_that_an_export_holds(database: Installation, owner: Connection) -> None:
    """A COPY holds what assert_safe has read until it ends, which may be an hour."""
    reader = await database.connect(database.source_reader_url)
    await reader.execute("BEGIN; SELECT export_source.assert_safe(pg_current_snapshot()::text)")

    assert await install(url_of(database), SCHEMAS, policy=BRISK) == []

    await reader.close()


async def test_a_newer_release_renews_the_bookkeeping_without_losing_what_it_keeps(
    database: Installation, owner: Connection
) -> None:
    await owner.execute("UPDATE export_source.horizon SET xid = '5'")
    await owner.execute("COMMENT ON SCHEMA export_source IS 'an older release'")
    await owner.execute("ALTER TABLE export_source.installs DROP COLUMN disabled_at CASCADE")
    kept = await owner.fetch("SELECT table_name, installed_xid FROM export_source.installs ORDER BY 1")

    assert await install(url_of(database), SCHEMAS) == []

    assert await verdict_now(owner) == "safe"
    assert await owner.fetchval("SELECT xid FROM export_source.horizon") == 5
    assert await owner.fetch("SELECT table_name, installed_xid FROM export_source.installs ORDER BY 1") == kept


@pytest.mark.parametrize("what", ["name", "order"])
async def test_columns_are_compared_in_order_and_by_name(database: Installation, owner: Connection, what: str) -> None:
    teams = source_table("teams")
    columns = (*teams.columns[::-1],) if what == "order" else (*teams.columns, Column("colour", "text"))
    await owner.execute("ALTER TABLE teams ADD COLUMN colour text")
    tables = [dataclasses.replace(teams, columns=columns) if table is teams else table for table in CONTRACT]

    assert await sync(url_of(database), SCHEMAS, tables=tables) == ["teams"]

    installed = await owner.fetchval("SELECT columns FROM export_source.installs WHERE table_name = 'teams'")
    assert tuple(installed) == tuple(column.name for column in columns)
