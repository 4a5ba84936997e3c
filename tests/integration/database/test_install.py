"""``ticket-export source install``: repeatable, patient with the host, and clear about what stands in its way."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from pydantic import SecretStr

from export_ops.errors import InstallError, LockedOutError
from export_ops.source.generate import Index
from export_ops.source.installer import install
from export_ops.source.session import LockPolicy
from integration.database.catalog import describe
from support.installation import SCHEMAS, Installation
from ticket_export.source_contract import CONTRACT, source_table

Connection = asyncpg.Connection
BRISK = LockPolicy(timeout_seconds=0.05, attempts=4, pause_seconds=0.01)
PATIENT = LockPolicy(timeout_seconds=0.05, attempts=1000, pause_seconds=0.01)


def installer_url(database: Installation) -> SecretStr:
    return SecretStr(database.installer_url)


@pytest.fixture
async def owner(helpdesk: Installation) -> AsyncIterator[Connection]:
    connection = await helpdesk.connect()
    yield connection
    await connection.close()


async def test_every_table_of_the_contract_is_versioned_and_again_changes_nothing(
    helpdesk: Installation, owner: Connection
) -> None:
    url = installer_url(helpdesk)
    assert await install(url, SCHEMAS) == [table.name for table in CONTRACT]
    before = await describe(owner, "helpdesk", "export_source")
    records = await owner.fetch("SELECT * FROM export_source.installs")
    heard: list[str] = []
    assert await install(url, SCHEMAS, report=heard.append) == []
    assert heard == []
    assert await describe(owner, "helpdesk", "export_source") == before
    assert await owner.fetch("SELECT * FROM export_source.installs") == records
    assert await owner.fetchval("SELECT xid FROM export_source.horizon") == 3
    assert await owner.fetchval("SELECT count(*) FROM export_source.identity WHERE timeline_id > 0") == 1


async def test_rows_that_were_there_are_visible_to_all_and_are_not_rewritten(
    helpdesk: Installation, owner: Connection
) -> None:
    file = await owner.fetchval("SELECT pg_relation_filenode('tickets')")
    await install(installer_url(helpdesk), SCHEMAS)
    assert await owner.fetchval("SELECT array_agg(DISTINCT valid_from) FROM tickets") == [3]
    assert await owner.fetchval("SELECT pg_relation_filenode('tickets')") == file


async def test_it_waits_for_a_long_transaction_without_holding_the_host_up(
    helpdesk: Installation, owner: Connection
) -> None:
    await owner.execute("BEGIN; UPDATE teams SET name = name")
    heard: asyncio.Queue[str] = asyncio.Queue()
    installing = asyncio.create_task(install(installer_url(helpdesk), SCHEMAS, policy=PATIENT, report=heard.put_nowait))
    while await heard.get() != "staff_roles: versioned":
        pass
    host = await helpdesk.connect(helpdesk.helpdesk_url)
    for _ in range(20):  # each queues behind an attempt for at most its time-out
        await asyncio.wait_for(host.fetchval("SELECT count(*) FROM teams"), timeout=5)
    assert not installing.done()
    await owner.execute("COMMIT")
    assert len(await installing) == len(CONTRACT)
    assert await owner.fetchval("SELECT count(*) FROM teams WHERE valid_from <> '3'") == 0
    await host.close()


async def test_what_stays_locked_is_named_and_the_next_run_goes_on_there(
    helpdesk: Installation, owner: Connection
) -> None:
    await owner.execute("BEGIN; LOCK TABLE statuses IN ACCESS SHARE MODE")
    with pytest.raises(LockedOutError, match="statuses stayed locked through 4 attempts"):
        await install(installer_url(helpdesk), SCHEMAS, policy=BRISK)
    await owner.execute("COMMIT")
    assert "statuses_history" not in "".join(await describe(owner, "helpdesk"))
    rest = await install(installer_url(helpdesk), SCHEMAS, policy=BRISK)
    assert rest[0] == "statuses"


async def test_two_installations_at_once_do_the_work_once(helpdesk: Installation) -> None:
    url = installer_url(helpdesk)
    results = await asyncio.gather(install(url, SCHEMAS, policy=PATIENT), install(url, SCHEMAS, policy=PATIENT))
    assert sorted(map(len, results)) == [0, len(CONTRACT)]


OBSTACLES = {
    "DROP TABLE followers": "followers: there is no such table",
    "ALTER TABLE staff DROP COLUMN email, DROP COLUMN is_active": "staff: it lacks email, is_active",
    "ALTER TABLE teams ADD COLUMN valid_from date": "teams: it has a column valid_from that is not ours",
    "CREATE TABLE views_history (id int)": "views: views_history exists and is not ours",
}


@pytest.mark.parametrize(("change", "reason"), OBSTACLES.items())
async def test_a_source_unlike_the_contract_is_refused_before_any_table_is_touched(
    helpdesk: Installation, owner: Connection, change: str, reason: str
) -> None:
    await owner.execute(f"SET ROLE helpdesk; {change}")
    before = await describe(owner, "helpdesk")
    with pytest.raises(InstallError, match=reason):
        await install(installer_url(helpdesk), SCHEMAS)
    assert await describe(owner, "helpdesk") == before


async def test_a_table_whose_versioning_broke_is_reported(helpdesk: Installation, owner: Connection) -> None:
    await install(installer_url(helpdesk), SCHEMAS)
    await owner.execute("ALTER TABLE tickets DISABLE TRIGGER zz_hist")
    with pytest.raises(InstallError, match="tickets: its trigger zz_hist is missing or not enabled ALWAYS"):
        await install(installer_url(helpdesk), SCHEMAS)


async def test_an_installer_without_rights_is_told_so(helpdesk: Installation, owner: Connection) -> None:
    await owner.execute("REVOKE helpdesk FROM ticket_export_installer")
    try:
        with pytest.raises(InstallError, match="The source refused: permission denied for schema helpdesk"):
            await install(installer_url(helpdesk), SCHEMAS)
    finally:
        await owner.execute("GRANT helpdesk TO ticket_export_installer")


async def test_an_unreachable_source_is_named_by_its_variable() -> None:
    with pytest.raises(InstallError, match="INSTALLER_DATABASE_URL: cannot connect") as caught:
        await install(SecretStr("postgresql://x:hush@127.0.0.1:1/x"), SCHEMAS)
    assert "hush" not in str(caught.value)


async def test_an_index_that_was_left_unfinished_is_built_anew(helpdesk: Installation, owner: Connection) -> None:
    index = Index("tickets", source_table("tickets").order)
    await owner.execute("SET ROLE helpdesk")
    await owner.execute(index.create("helpdesk", concurrently=False))
    await owner.execute("RESET ROLE")
    await owner.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = $1::regclass", index.name)
    await install(installer_url(helpdesk), SCHEMAS)
    assert await owner.fetchval("SELECT indisvalid FROM pg_index WHERE indexrelid = $1::text::regclass", index.name)


async def test_an_index_that_the_host_has_is_not_built_again(helpdesk: Installation, owner: Connection) -> None:
    await owner.execute("CREATE INDEX hosts_own ON tickets (creation_time DESC, id DESC)")
    heard: list[str] = []
    await install(installer_url(helpdesk), SCHEMAS, report=heard.append)
    assert [line for line in heard if "index" in line] == []


async def test_every_page_and_join_of_a_history_has_its_index(database: Installation) -> None:
    owner = await database.connect()
    await owner.execute("SET enable_seqscan = off")
    for condition in (
        "id = 45",
        "valid_to < '9'",
        "(creation_time, id) < (now(), 7) ORDER BY creation_time DESC, id DESC",
    ):
        plan = await owner.fetch(f"EXPLAIN SELECT * FROM tickets_history WHERE {condition}")
        assert any("Index Cond" in line[0] for line in plan), plan
    await owner.close()


async def test_a_partitioned_table_is_versioned_with_its_partitions(helpdesk: Installation, owner: Connection) -> None:
    await owner.execute("""
        SET ROLE helpdesk;
        DROP TABLE comments;
        CREATE TABLE comments (id bigint, ticket_id bigint, author_id uuid, body text, creation_time timestamptz,
            PRIMARY KEY (id, creation_time)) PARTITION BY RANGE (creation_time);
        CREATE TABLE comments_old PARTITION OF comments FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
        CREATE TABLE comments_new PARTITION OF comments FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
        RESET ROLE""")
    await install(installer_url(helpdesk), SCHEMAS)
    before = await owner.fetchval("SELECT export_source.signature()")
    await owner.execute("INSERT INTO comments (id, body, creation_time) VALUES (1, 'a', '2025-05-05')")
    await owner.execute("UPDATE comments SET creation_time = '2026-05-05'")  # moves to the other partition
    await owner.execute("UPDATE comments_new SET body = 'b'")  # aimed at a partition
    kept = await owner.fetch("SELECT body, creation_time::date::text FROM comments_history ORDER BY valid_from")
    assert [tuple(row) for row in kept] == [("a", "2025-05-05"), ("a", "2026-05-05")]
    await owner.execute("CREATE TABLE comments_next PARTITION OF comments FOR VALUES FROM ('2027-01-01') TO (MAXVALUE)")
    assert await owner.fetchval("SELECT export_source.assert_safe(pg_current_snapshot()::text)")
    assert await owner.fetchval("SELECT export_source.signature()") != before


async def test_the_index_of_a_partitioned_table_is_built_on_each_partition(
    helpdesk: Installation, owner: Connection
) -> None:
    await owner.execute("""
        SET ROLE helpdesk;
        ALTER TABLE tickets RENAME TO tickets_all;
        ALTER TABLE tickets_all DROP CONSTRAINT tickets_pkey CASCADE, ALTER id DROP IDENTITY;
        CREATE TABLE tickets (LIKE tickets_all INCLUDING DEFAULTS, PRIMARY KEY (id)) PARTITION BY RANGE (id);
        ALTER TABLE tickets ATTACH PARTITION tickets_all FOR VALUES FROM (MINVALUE) TO (1000000);
        CREATE TABLE tickets_more PARTITION OF tickets FOR VALUES FROM (1000000) TO (MAXVALUE);
        RESET ROLE""")
    await install(installer_url(helpdesk), SCHEMAS)
    plan = await owner.fetch("""
        EXPLAIN SELECT id FROM tickets WHERE (creation_time, id) < (now(), 7) ORDER BY creation_time DESC, id DESC LIMIT 1""")
    assert "Merge Append" in plan[1][0], plan


async def test_the_reader_may_read_the_contract_and_nothing_else(helpdesk: Installation, owner: Connection) -> None:
    await owner.execute("SET ROLE helpdesk; ALTER TABLE staff ADD COLUMN password_hash text; RESET ROLE")
    await install(installer_url(helpdesk), SCHEMAS)
    reader = await helpdesk.connect(helpdesk.source_reader_url)
    for table in CONTRACT:
        columns = ", ".join((*table.column_names, "valid_from"))
        await reader.execute(f"SELECT {columns} FROM {table.name}")
        await reader.execute(f"SELECT valid_to, {columns} FROM {table.history}")
    assert await reader.fetchval("SELECT export_source.assert_safe(pg_current_snapshot()::text)")
    for forbidden in (
        "SELECT password_hash FROM staff",
        "UPDATE tickets SET title = 'x'",
        "DELETE FROM tickets_history",
        "UPDATE export_source.horizon SET xid = '4'",
        "DELETE FROM export_source.gaps",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.execute(forbidden)
    await reader.close()


async def test_the_host_sees_nothing_of_history(database: Installation) -> None:
    host = await database.connect(database.helpdesk_url)
    for forbidden in (
        "SELECT FROM tickets_history",
        "SELECT FROM export_source.installs",
        "SELECT FROM export_source.helpdesk_tickets_history",
        "SELECT export_source.hist_helpdesk_tickets()",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await host.execute(forbidden)
    await host.close()


async def test_the_pruner_may_shorten_histories_and_move_the_horizon(database: Installation) -> None:
    pruner = await database.connect(database.source_pruner_url)
    async with pruner.transaction():
        await pruner.execute("UPDATE export_source.horizon SET xid = pg_snapshot_xmin(pg_current_snapshot())")
        for table in CONTRACT:
            await pruner.execute(
                f"DELETE FROM {table.history} WHERE valid_to < (SELECT xid FROM export_source.horizon)"
            )
        await pruner.execute("INSERT INTO export_source.markers DEFAULT VALUES")
        await pruner.execute("DELETE FROM export_source.markers")
    for forbidden in (
        "SELECT FROM tickets",
        "UPDATE tickets_history SET title = 'x'",
        "DELETE FROM export_source.horizon",
        "DELETE FROM export_source.installs",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pruner.execute(forbidden)
    await pruner.close()
