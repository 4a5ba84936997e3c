"""``ticket-export source rebase``: after a dump was restored elsewhere, exports are exact again, from then on."""

import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from export_ops.errors import InstallError, LockedOutError
from export_ops.source.rebase import rebase
from export_ops.source.session import LockPolicy
from integration.database.asking import snapshot, verdict, verdict_now
from local_stack.servers import Servers
from support.clusters import Cluster, another_cluster
from support.installation import SCHEMAS, Installation
from ticket_export.source_contract import CONTRACT

Connection = asyncpg.Connection
BRISK = LockPolicy(timeout_seconds=0.05, attempts=3, pause_seconds=0.01)


@pytest.fixture
async def owner(database: Installation) -> AsyncIterator[Connection]:
    connection = await database.connect()
    yield connection
    await connection.close()


@pytest.fixture
def cluster(servers: Servers, template_database: str, tmp_path: Path) -> Iterator[Cluster]:
    with another_cluster(servers, tmp_path / "cluster") as running:
        yield running


def url_of(database: Installation) -> SecretStr:
    return SecretStr(database.installer_url)


async def identity(connection: Connection) -> str:
    return str(await connection.fetchval("SELECT export_source.source_identity()"))


async def test_every_earlier_snapshot_is_refused_and_every_table_begins_anew(
    database: Installation, owner: Connection
) -> None:
    await owner.execute("UPDATE teams SET name = name || '!'; DELETE FROM comments")
    await owner.execute("INSERT INTO export_source.markers DEFAULT VALUES")
    await owner.execute("UPDATE export_source.horizon SET xid = '5'")
    taken, before = await snapshot(owner), await identity(owner)
    tickets = await owner.fetch("SELECT id, title, custom FROM tickets ORDER BY 1")

    assert await rebase(url_of(database), SCHEMAS) == [table.name for table in CONTRACT]

    assert await verdict(owner, taken) == "TX002"
    assert await verdict_now(owner) == "safe"
    assert await identity(owner) != before
    assert await owner.fetch("SELECT id, title, custom FROM tickets ORDER BY 1") == tickets
    for table in CONTRACT:
        assert await owner.fetchval(f"SELECT count(*) FROM {table.name} WHERE valid_from <> '3'") == 0
        assert await owner.fetchval(f"SELECT count(*) FROM {table.history}") == 0
    assert await owner.fetchval("SELECT count(*) FROM export_source.markers") == 0
    assert await owner.fetchval("SELECT xid FROM export_source.horizon") == 3


async def test_it_is_quick_on_many_rows_since_none_is_rewritten(database: Installation, owner: Connection) -> None:
    file = await owner.fetchval("SELECT pg_relation_filenode('tickets')")
    await rebase(url_of(database), SCHEMAS)
    assert await owner.fetchval("SELECT pg_relation_filenode('tickets')") == file


async def test_a_snapshot_of_a_lost_future_that_sees_the_rebase_has_another_identity(
    database: Installation, owner: Connection
) -> None:
    """On a server that was set back the rebase's own id may lie in the past of such a snapshot."""
    before = await identity(owner)
    await rebase(url_of(database), SCHEMAS)
    assert await verdict_now(owner) == "safe"
    assert await identity(owner) != before


async def test_stopped_in_the_middle_it_refuses_requests_and_is_run_again(
    database: Installation, owner: Connection
) -> None:
    await owner.execute("UPDATE export_source.identity SET system_identifier = 17")
    blocker = await database.connect()
    await blocker.execute("BEGIN; LOCK TABLE statuses IN ACCESS SHARE MODE")

    with pytest.raises(LockedOutError, match="statuses stayed locked"):
        await rebase(url_of(database), SCHEMAS, policy=BRISK)

    assert await verdict_now(owner) == "TX004"
    await blocker.close()
    await rebase(url_of(database), SCHEMAS)
    assert await verdict_now(owner) == "safe"


async def test_a_table_unlike_the_contract_is_refused_before_anything_is_done(
    database: Installation, owner: Connection
) -> None:
    await owner.execute("ALTER TABLE staff DROP COLUMN email")
    taken, before = await snapshot(owner), await identity(owner)

    with pytest.raises(InstallError, match="staff: it lacks email"):
        await rebase(url_of(database), SCHEMAS)

    assert await identity(owner) == before
    assert await verdict(owner, taken, "tickets") == "safe"


async def restore_elsewhere(source: Connection, target: Connection) -> None:
    """Put every row where pg_restore would: with its ids, past the triggers, into a server that has used fewer."""
    bookkeeping = [f"export_source.{name}" for name in ("installs", "horizon", "identity", "gaps")]
    tables = [f"helpdesk.{name}" for table in CONTRACT for name in (table.name, table.history)]
    for relation in (*bookkeeping, *tables):
        schema, name = relation.split(".")
        content = io.BytesIO()
        await source.copy_from_table(name, schema_name=schema, output=content)
        content.seek(0)
        await target.execute(f"ALTER TABLE {relation} DISABLE TRIGGER ALL; DELETE FROM {relation}")
        await target.copy_to_table(name, schema_name=schema, source=content)
        await target.execute(f"ALTER TABLE {relation} ENABLE TRIGGER ALL")
    for table in CONTRACT:
        for trigger in ("zz_stamp", "zz_hist", "zz_trunc"):
            await target.execute(f"ALTER TABLE helpdesk.{table.name} ENABLE ALWAYS TRIGGER {trigger}")


async def test_a_dump_that_was_restored_on_another_server(owner: Connection, cluster: Cluster) -> None:
    """Its ids are far ahead there: rows would be missing from every list and file, without any error."""
    for _ in range(3000):
        await owner.execute("SELECT pg_current_xact_id()")
    await owner.execute("UPDATE tickets SET title = title || '!' WHERE id < 100")
    there = await cluster.source.connect()
    await restore_elsewhere(owner, there)
    ahead = "SELECT count(*) FROM tickets WHERE valid_from >= pg_snapshot_xmax(pg_current_snapshot())"
    assert await there.fetchval(ahead) > 0, "the other server has used more ids than the dump has"
    assert await verdict_now(there) == "TX004"
    with pytest.raises(asyncpg.PostgresError, match="another cluster"):
        await there.execute("SELECT export_source.confirm_identity()")

    await rebase(url_of(cluster.source), SCHEMAS)

    assert await verdict_now(there) == "safe"
    assert await there.fetchval(ahead) == 0
    seen = await there.fetchval("SELECT array_agg(title ORDER BY id) FROM tickets")
    taken = await snapshot(there)
    await there.execute("UPDATE tickets SET title = 'later'")
    kept = await there.fetchval(
        "SELECT array_agg(title ORDER BY id) FROM tickets_history"
        " WHERE pg_visible_in_snapshot(valid_from, $1::text::pg_snapshot)"
        " AND NOT pg_visible_in_snapshot(valid_to, $1::text::pg_snapshot)",
        taken,
    )
    assert kept == seen
    await there.close()
