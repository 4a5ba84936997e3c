"""``assert_safe`` refuses every snapshot that cannot be read exactly, and says why by its code."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from pydantic import SecretStr

from export_ops.source.installer import install
from integration.database.asking import snapshot, verdict
from support.installation import SCHEMAS, Installation

Connection = asyncpg.Connection


@pytest.fixture
async def owner(database: Installation) -> AsyncIterator[Connection]:
    connection = await database.connect()
    yield connection
    await connection.close()


async def test_a_snapshot_of_now_is_safe(owner: Connection) -> None:
    assert await verdict(owner, await snapshot(owner)) == "safe"
    assert await verdict(owner, await snapshot(owner), "tickets", "staff") == "safe"


async def test_a_snapshot_is_safe_until_the_horizon_passes_its_xmin(owner: Connection) -> None:
    taken = await snapshot(owner)
    xmin = int(taken.split(":")[0])
    await owner.execute("UPDATE export_source.horizon SET xid = $1::text::xid8", str(xmin))
    assert await verdict(owner, taken) == "safe"
    await owner.execute("UPDATE export_source.horizon SET xid = $1::text::xid8", str(xmin + 1))
    assert await verdict(owner, taken) == "TX001"
    await owner.execute("DELETE FROM export_source.horizon")
    assert await verdict(owner, taken) == "TX001"


async def test_a_snapshot_older_than_an_installation_is_refused(helpdesk: Installation) -> None:
    connection = await helpdesk.connect()
    before = await snapshot(connection)
    await install(SecretStr(helpdesk.installer_url), SCHEMAS)
    assert await verdict(connection, before) == "TX002"
    assert await verdict(connection, await snapshot(connection)) == "safe"
    await connection.close()


async def test_a_snapshot_in_which_the_installation_was_still_running_is_refused(owner: Connection) -> None:
    installed = int(
        await owner.fetchval("SELECT installed_xid FROM export_source.installs WHERE table_name = 'tickets'")
    )
    latest = int(await owner.fetchval("SELECT max(installed_xid) FROM export_source.installs"))
    assert await verdict(owner, f"{installed}:{latest + 1}:{installed}", "tickets") == "TX002"
    assert await verdict(owner, f"{latest + 1}:{latest + 1}:", "tickets") == "safe"


async def test_a_table_that_is_not_versioned_is_refused(owner: Connection) -> None:
    assert await verdict(owner, await snapshot(owner), "tickets", "invoices") == "TX002"


async def test_broken_versioning_is_refused(owner: Connection) -> None:
    taken = await snapshot(owner)
    await owner.execute(
        "INSERT INTO export_source.gaps (table_schema, table_name, error) VALUES ('helpdesk', 'staff', 'x')"
    )
    assert await verdict(owner, taken) == "TX003"
    assert await verdict(owner, taken, "tickets") == "safe"


async def test_what_is_no_snapshot_is_an_error(owner: Connection) -> None:
    assert await verdict(owner, "yesterday") == "22P02"


async def test_it_judges_by_the_snapshot_of_the_statement_that_carries_it(
    owner: Connection, database: Installation
) -> None:
    """A pruning that commits meanwhile takes no rows from this transaction, so it is no reason to refuse."""
    taken = await snapshot(owner)
    async with owner.transaction(isolation="repeatable_read"):
        assert await verdict(owner, taken) == "safe"
        pruner = await database.connect(database.source_pruner_url)
        await pruner.execute("UPDATE export_source.horizon SET xid = '9223372036854775807'")
        await pruner.close()
        assert await verdict(owner, taken) == "safe"
    assert await verdict(owner, taken) == "TX001"
