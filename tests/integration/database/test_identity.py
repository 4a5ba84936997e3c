"""Transaction ids mean something on one server only: which one it is, and what happens when it is another."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from local_stack.servers import Servers
from support.clusters import Cluster, another_cluster
from support.installation import Installation

Connection = asyncpg.Connection

FAR = "'9000000000000000000'::xid8"


@pytest.fixture
def cluster(servers: Servers, template_database: str, tmp_path: Path) -> Iterator[Cluster]:
    with another_cluster(servers, tmp_path / "cluster") as running:
        yield running


@pytest.fixture
async def owner(database: Installation) -> AsyncIterator[Connection]:
    connection = await database.connect()
    yield connection
    await connection.close()


@pytest.fixture
async def reader(database: Installation) -> AsyncIterator[Connection]:
    connection = await database.connect(database.source_reader_url)
    yield connection
    await connection.close()


async def ask(connection: Connection, question: str, *arguments: object) -> str:
    """Return 'true' or the code of the refusal."""
    try:
        answer = await connection.fetchval(f"SELECT export_source.{question}", *arguments)
    except asyncpg.PostgresError as error:
        return str(error.sqlstate)
    assert answer is True
    return "true"


async def safe(connection: Connection, taken: str | None = None) -> str:
    if taken is None:
        taken = await snapshot(connection)
    return await ask(connection, "assert_safe($1)", taken)


async def snapshot(connection: Connection) -> str:
    return str(await connection.fetchval("SELECT pg_current_snapshot()::text"))


async def identity(connection: Connection) -> str:
    return str(await connection.fetchval("SELECT export_source.source_identity()"))


async def test_a_promotion_is_seen_at_once_and_the_new_timeline_is_adopted(cluster: Cluster) -> None:
    before = await cluster.source.connect(cluster.source.source_reader_url)
    old, taken = await identity(before), await snapshot(before)
    await before.close()

    await cluster.promote()

    reader = await cluster.source.connect(cluster.source.source_reader_url)
    new = await identity(reader)
    assert (old.split("/")[0], old.split("/")[1:], new.split("/")[1:]) == (new.split("/")[0], ["1", "1"], ["2", "1"])
    assert await safe(reader) == "TX004"
    assert await ask(reader, "confirm_identity()") == "true"
    assert await safe(reader) == "true"
    # What was taken before cannot be told from now by itself: the text that its export keeps tells.
    assert await safe(reader, taken) == "true"
    assert await identity(reader) == new != old
    await reader.close()


async def test_the_control_file_is_not_asked_for_the_timeline(cluster: Cluster) -> None:
    """After a promotion it tells the old one until the next checkpoint has ended, which may take minutes."""
    owner = await cluster.source.connect()
    await owner.execute("ALTER SYSTEM SET checkpoint_completion_target = 1")
    await owner.execute("ALTER SYSTEM SET checkpoint_timeout = '1d'")
    await owner.execute("CREATE TABLE big AS SELECT i FROM generate_series(1, 300000) i")
    await owner.close()
    await cluster.become_standby()
    owner = await cluster.source.connect()
    await owner.execute("SELECT pg_promote()")
    row = await owner.fetchrow(
        "SELECT (SELECT timeline_id FROM export_source.cluster()) AS ours,"
        " (SELECT timeline_id FROM pg_control_checkpoint()) AS control"
    )
    assert row is not None
    assert (row["ours"], row["control"]) == (2, 1)
    await owner.close()


async def test_a_standby_is_refused(cluster: Cluster) -> None:
    await cluster.become_standby()

    reader = await cluster.source.connect(cluster.source.source_reader_url)
    assert await ask(reader, "assert_safe($1)", "3:3:") == "TX005"
    assert await ask(reader, "confirm_identity()") == "TX005"
    await reader.close()


async def test_a_disk_that_was_set_back_refuses_snapshots_of_what_it_has_lost(cluster: Cluster, tmp_path: Path) -> None:
    await cluster.copy_disk(tmp_path / "copy")
    owner = await cluster.source.connect()
    before = await identity(owner)
    for _ in range(50):
        await owner.execute("SELECT pg_current_xact_id()")
    lost = await snapshot(owner)
    assert await safe(owner, lost) == "true"
    await owner.close()

    await cluster.set_disk_back(tmp_path / "copy")

    reader = await cluster.source.connect(cluster.source.source_reader_url)
    assert await identity(reader) == before
    assert await safe(reader) == "true"
    assert await safe(reader, lost) == "TX004"
    await reader.close()


MOVED = "UPDATE export_source.identity SET system_identifier = 17"


async def test_another_cluster_with_ids_of_its_past_is_adopted_once(owner: Connection, reader: Connection) -> None:
    """As after pg_upgrade, which keeps the ids."""
    true = await owner.fetchrow("SELECT system_identifier, timeline_id FROM export_source.identity")
    await owner.execute(MOVED)
    assert await safe(reader) == "TX004"

    assert await ask(reader, "confirm_identity()") == "true"

    assert await safe(reader) == "true"
    assert await owner.fetchrow("SELECT system_identifier, timeline_id FROM export_source.identity") == true


# Rows keep their triggers, as after a restore; only their ids are another cluster's.
FOREIGN_IDS = {
    "live rows": f"""
        ALTER TABLE teams DISABLE TRIGGER ALL;
        UPDATE teams SET valid_from = {FAR};
        ALTER TABLE teams ENABLE TRIGGER ALL;
        ALTER TABLE teams ENABLE ALWAYS TRIGGER zz_stamp, ENABLE ALWAYS TRIGGER zz_hist,
            ENABLE ALWAYS TRIGGER zz_trunc""",
    "history": f"INSERT INTO comments_history (valid_to, valid_from) VALUES ({FAR}, '3')",
    "horizon": f"UPDATE export_source.horizon SET xid = {FAR}",
    "installs": f"UPDATE export_source.installs SET installed_xid = {FAR} WHERE table_name = 'staff'",
}


@pytest.mark.parametrize("place", FOREIGN_IDS)
async def test_ids_of_another_cluster_are_refused_until_a_rebase(
    owner: Connection, reader: Connection, place: str
) -> None:
    await owner.execute(MOVED)
    await owner.execute(FOREIGN_IDS[place])

    assert await ask(reader, "confirm_identity()") == "TX004"

    assert await owner.fetchval("SELECT system_identifier FROM export_source.identity") == 17
    assert await safe(reader) == "TX004"


async def test_an_id_that_is_running_here_is_foreign_too(
    database: Installation, owner: Connection, reader: Connection
) -> None:
    """A row of another cluster whose id lies within ours, but belongs to a transaction that has not ended."""
    writer = await database.connect()
    await writer.execute("BEGIN")
    running = await writer.fetchval("SELECT pg_current_xact_id()::text")
    await owner.execute("SELECT pg_current_xact_id()")
    await owner.execute(MOVED)
    await owner.execute(FOREIGN_IDS["live rows"].replace(FAR, f"'{running}'"))

    assert await ask(reader, "confirm_identity()") == "TX004"

    await writer.execute("ROLLBACK")
    await writer.close()
    assert await ask(reader, "confirm_identity()") == "true"


async def test_rows_that_are_written_meanwhile_are_not_foreign(
    database: Installation, owner: Connection, reader: Connection
) -> None:
    host = await database.connect(database.helpdesk_url)
    writing = host.transaction()
    await writing.start()
    await host.execute("UPDATE tickets SET title = 'x'")
    await owner.execute("UPDATE teams SET name = name")
    await owner.execute(MOVED)

    assert await ask(reader, "confirm_identity()") == "true"

    await writing.rollback()
    await host.close()


async def test_of_two_who_ask_at_once_one_does_it(
    database: Installation, owner: Connection, reader: Connection
) -> None:
    await owner.execute(MOVED)
    first = owner.transaction()
    await first.start()
    assert await ask(owner, "confirm_identity()") == "true"
    by_first = await owner.fetchval("SELECT pg_current_xact_id()::text")
    asking = asyncio.create_task(ask(reader, "confirm_identity()"))
    watcher = await database.connect()
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND pid = $1"
    while not await watcher.fetchval(waiting, reader.get_server_pid()):
        await asyncio.sleep(0.01)
    await first.commit()

    assert await asking == "true"

    assert await watcher.fetchval("SELECT xmin::text FROM export_source.identity") == by_first
    await watcher.close()


async def test_a_table_that_is_broken_does_not_stand_in_the_way(owner: Connection, reader: Connection) -> None:
    await owner.execute(MOVED)
    await owner.execute("ALTER TABLE teams DROP COLUMN valid_from")

    assert await ask(reader, "confirm_identity()") == "true"
    assert await safe(reader) == "TX003"


async def test_nobody_else_may_ask(database: Installation) -> None:
    host = await database.connect(database.helpdesk_url)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await host.execute("SELECT export_source.confirm_identity()")
    await host.close()
