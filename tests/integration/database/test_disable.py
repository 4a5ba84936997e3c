"""``ticket-export source disable`` and ``enable``: the switch for a bad night, and exports that know of the gap."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest
from pydantic import SecretStr

from export_ops.errors import InstallError, LockedOutError
from export_ops.source.disable import disable
from export_ops.source.generate import Schemas
from export_ops.source.installer import install
from export_ops.source.rebase import rebase
from export_ops.source.session import LockPolicy
from export_ops.source.sync import enable, sync
from integration.database.asking import faults, snapshot, verdict, verdict_now
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
async def host(database: Installation) -> AsyncIterator[Connection]:
    connection = await database.connect(database.helpdesk_url)
    yield connection
    await connection.close()


def url_of(database: Installation) -> SecretStr:
    return SecretStr(database.installer_url)


async def history_rows(owner: Connection) -> int:
    return sum([await owner.fetchval(f"SELECT count(*) FROM {table.history}") for table in CONTRACT])


@pytest.mark.parametrize("now", [True, False])
async def test_writes_leave_no_history_and_every_snapshot_is_refused(
    database: Installation, owner: Connection, host: Connection, now: bool
) -> None:
    taken = await snapshot(owner)

    assert len(await disable(url_of(database), SCHEMAS, now=now)) == len(CONTRACT)

    await host.execute(
        "UPDATE teams SET name = name || '!'; DELETE FROM followers; INSERT INTO teams (name) VALUES ('x')"
    )
    await host.execute("TRUNCATE comments")
    assert await history_rows(owner) == 0
    assert await verdict(owner, taken) == await verdict_now(owner) == "TX003"
    assert "teams: versioning is disabled" in await faults(owner)
    on = await owner.fetchval("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'zz\\_%' AND tgenabled <> 'D'")
    assert (on > 0) is now


async def test_now_waits_for_no_lock_of_a_table(database: Installation, owner: Connection, host: Connection) -> None:
    for mode in ("ROW EXCLUSIVE", "ACCESS EXCLUSIVE"):
        await host.execute(f"BEGIN; LOCK TABLE teams IN {mode} MODE")

        await asyncio.wait_for(disable(url_of(database), SCHEMAS, now=True, policy=BRISK), timeout=5)

        await host.execute("ROLLBACK")
    assert await verdict_now(owner) == "TX003"


async def test_a_transaction_under_way_stops_writing_history(
    database: Installation, owner: Connection, host: Connection
) -> None:
    """And whether it was half kept does not matter: no snapshot is served that could tell."""
    await host.execute("BEGIN; UPDATE teams SET name = name || '!'")
    await disable(url_of(database), SCHEMAS, now=True)
    await host.execute("UPDATE statuses SET label = label || '!'; COMMIT")
    assert await owner.fetchval("SELECT count(*) FROM statuses_history") == 0


async def test_triggers_that_cannot_be_switched_off_yet_do_nothing_already(
    database: Installation, owner: Connection, host: Connection
) -> None:
    await owner.execute("BEGIN; UPDATE teams SET name = name")

    with pytest.raises(LockedOutError, match="teams stayed locked"):
        await disable(url_of(database), SCHEMAS, policy=BRISK)

    await host.execute("UPDATE statuses SET label = label || '!'")
    assert await history_rows(owner) == await owner.fetchval("SELECT count(*) FROM teams_history")
    await owner.execute("COMMIT")
    await disable(url_of(database), SCHEMAS, policy=BRISK)


@pytest.mark.parametrize("now", [True, False])
async def test_enabled_again_only_later_snapshots_are_served(
    database: Installation, owner: Connection, host: Connection, now: bool
) -> None:
    before = await snapshot(owner)
    await disable(url_of(database), SCHEMAS, now=now)
    meanwhile = await snapshot(owner)
    await host.execute("UPDATE teams SET name = 'in the gap', valid_from = '9000000000000000000'")

    changed = await enable(url_of(database), SCHEMAS)

    assert changed == [table.name for table in CONTRACT]
    assert [await verdict(owner, taken) for taken in (before, meanwhile)] == ["TX002", "TX002"]
    assert await verdict_now(owner) == "safe"
    taken = await snapshot(owner)
    await host.execute("UPDATE teams SET name = 'after'")
    assert await owner.fetchval("SELECT DISTINCT name FROM teams_history") == "in the gap"
    assert await verdict(owner, taken) == "safe"
    with pytest.raises(asyncpg.FeatureNotSupportedError):
        await host.execute("TRUNCATE followers")
    assert await enable(url_of(database), SCHEMAS) == []


async def test_a_writer_that_began_before_it_was_enabled_is_waited_for(
    database: Installation, owner: Connection, host: Connection
) -> None:
    await disable(url_of(database), SCHEMAS, now=True)
    await host.execute("BEGIN; UPDATE teams SET name = name || '!'")

    with pytest.raises(LockedOutError, match="teams stayed locked"):
        await enable(url_of(database), SCHEMAS, policy=BRISK)

    assert await verdict_now(owner) == "TX003"
    await host.execute("COMMIT")
    await enable(url_of(database), SCHEMAS)
    assert await verdict_now(owner) == "safe"


@pytest.mark.parametrize("command", [install, sync, rebase])
async def test_nothing_else_enables_it(
    database: Installation,
    owner: Connection,
    host: Connection,
    command: Callable[[SecretStr, Schemas], Awaitable[list[str]]],
) -> None:
    await disable(url_of(database), SCHEMAS)

    with pytest.raises(InstallError, match="Versioning is disabled; `ticket-export source enable`"):
        await command(url_of(database), SCHEMAS)

    await host.execute("UPDATE teams SET name = name || '!'")
    assert await history_rows(owner) == 0


async def test_disabled_twice_is_disabled_once(database: Installation, owner: Connection) -> None:
    await disable(url_of(database), SCHEMAS, now=True)
    since = await owner.fetchval("SELECT max(disabled_at) FROM export_source.installs")
    await disable(url_of(database), SCHEMAS)
    assert await owner.fetchval("SELECT min(disabled_at) FROM export_source.installs") <= since
    assert await owner.fetchval("SELECT max(disabled_at) FROM export_source.installs") == since
