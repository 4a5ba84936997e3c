"""Whatever would make a file differ from the database at its instant ends the export instead, at every stage of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from export_api.settings import ApiSettings
from export_ops.source.disable import disable
from export_ops.source.generate import Schemas
from export_ops.source.rebase import rebase
from export_ops.source.sync import enable
from export_worker.source import Source
from integration.export_api.browser import browsing
from integration.export_api.running_api import Api, running_api
from support.assertions import assert_exact
from support.exports import insert_job, list_objects, wait_until_ended
from support.installation import SCHEMAS, Installation
from support.workers import worker
from ticket_export.storage.object_store import ObjectStore

Damage = Callable[[], Awaitable[object]]

# What happens to the source, and how the job has to end.
DAMAGES = {
    "pruned": ("UPDATE export_source.horizon SET xid = pg_snapshot_xmax(pg_current_snapshot())", "snapshot_lost"),
    "versioned anew": ("UPDATE export_source.installs SET installed_xid = pg_current_xact_id()", "snapshot_lost"),
    "forgotten": ("DELETE FROM export_source.identity", "source_restored"),
    "trigger off": ("ALTER TABLE helpdesk.tickets DISABLE TRIGGER zz_hist", "snapshot_lost"),
    "trigger gone": ("DROP TRIGGER zz_stamp ON helpdesk.staff", "snapshot_lost"),
    "column gone": ("ALTER TABLE helpdesk.tickets DROP COLUMN category", "snapshot_lost"),
    "stamp gone": ("ALTER TABLE helpdesk.priorities DROP COLUMN valid_from", "snapshot_lost"),
    "history gone": ("DROP TABLE helpdesk.teams_history CASCADE", "snapshot_lost"),
    "type changed": ("ALTER TABLE helpdesk.tickets ALTER category TYPE varchar(300)", "schema_changed"),
    "rewritten": ("ALTER TABLE helpdesk.tickets SET (fillfactor = 50); VACUUM FULL helpdesk.tickets", "schema_changed"),
    "promoted": ("UPDATE export_source.identity SET timeline_id = timeline_id - 1", "source_restored"),
    "moved": ("UPDATE export_source.identity SET system_identifier = 17", "source_restored"),
    "rebased": ("UPDATE export_source.identity SET epoch = epoch + 1", "source_restored"),
}


async def before_plan(damage: Damage, _patch: pytest.MonkeyPatch) -> None:
    await damage()


async def before_copy(damage: Damage, patch: pytest.MonkeyPatch) -> None:
    """The next claim has to notice."""
    original = Source.measure

    async def measure(*arguments: Any) -> Any:
        measured = await original(*arguments)
        await damage()
        return measured

    patch.setattr(Source, "measure", measure)


async def before_statement(damage: Damage, patch: pytest.MonkeyPatch) -> None:
    """The check of the claim has passed already: the statement has to notice, or finish."""
    original = Source.copy

    async def copy(*arguments: Any) -> Any:
        patch.setattr(Source, "copy", original)
        await damage()
        return await original(*arguments)

    patch.setattr(Source, "copy", copy)


async def before_finish(damage: Damage, patch: pytest.MonkeyPatch) -> None:
    """All bytes are stored, nothing is published."""
    original = ObjectStore.put

    async def put(*arguments: Any) -> None:
        await original(*arguments)
        await damage()

    patch.setattr(ObjectStore, "put", put)


STAGES = (before_plan, before_copy, before_statement, before_finish)


@pytest.fixture
async def owner(installation: Installation) -> AsyncIterator[asyncpg.Connection]:
    connection = await installation.connect()
    yield connection
    await connection.close()


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("what", DAMAGES)
async def test_a_damaged_source_ends_the_export_at_every_stage(
    installation: Installation,
    owner: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    stage: Callable[[Damage, pytest.MonkeyPatch], Awaitable[None]],
) -> None:
    statements, code = DAMAGES[what]
    requested = await insert_job(installation, "all")

    async def damage() -> None:
        for statement in statements.split(";"):
            await owner.execute(statement)

    await stage(damage, monkeypatch)
    async with worker(installation):
        job = await wait_until_ended(installation, requested.id)
        async with asyncio.timeout(20):
            while list_objects(installation):  # cleared after the job has failed
                await asyncio.sleep(0.02)

    assert (job["status"], job["error_code"]) == ("failed", code)
    assert "request it again" in job["error_message"]
    assert await owner.fetchval("SELECT count(*) FROM exports.files") == 0


async def disable_and_enable(url: SecretStr, schemas: Schemas) -> None:
    await disable(url, schemas, now=True)
    await enable(url, schemas)


@pytest.mark.parametrize(
    ("command", "code"),
    [(rebase, "source_restored"), (disable, "snapshot_lost"), (disable_and_enable, "snapshot_lost")],
)
async def test_an_operators_command_ends_exports_from_before(
    installation: Installation, command: Callable[[SecretStr, Schemas], Awaitable[object]], code: str
) -> None:
    requested = await insert_job(installation, "all")
    await command(SecretStr(installation.installer_url), SCHEMAS)
    async with worker(installation):
        job = await wait_until_ended(installation, requested.id)
    assert (job["status"], job["error_code"]) == ("failed", code)


async def test_after_a_gap_exports_are_exact_again(installation: Installation, owner: asyncpg.Connection) -> None:
    url = SecretStr(installation.installer_url)
    await disable(url, SCHEMAS)
    await owner.execute("UPDATE helpdesk.tickets SET title = 'in the gap'")
    await enable(url, SCHEMAS)
    requested = await insert_job(installation, "all")
    await owner.execute("UPDATE helpdesk.tickets SET title = 'after the request'")
    async with worker(installation):
        assert (await assert_exact(installation, requested)).count(b"in the gap") > 800


async def test_without_damage_it_completes(
    installation: Installation, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same hooks, doing nothing."""
    requested = await insert_job(installation, "all")
    for stage in STAGES:
        await stage(lambda: owner.execute("SELECT 1"), monkeypatch)
    async with worker(installation):
        job = await wait_until_ended(installation, requested.id)
    assert job["status"] == "completed"


@pytest.fixture
async def api(installation: Installation, tmp_path: Path) -> AsyncIterator[Api]:
    settings = installation.settings(
        ApiSettings, port=0, auth_mode="demo", demo_signing_key_file=tmp_path / "key.json", log_format="console"
    )
    async with running_api(installation, settings) as running:
        yield running


async def test_a_request_after_a_failover_is_accepted_and_the_export_exact(
    api: Api, installation: Installation, owner: asyncpg.Connection
) -> None:
    await owner.execute(DAMAGES["promoted"][0])

    job_id = await api.new_job("cara")

    async with worker(installation):
        assert (await wait_until_ended(installation, job_id))["status"] == "completed"


async def test_a_list_needs_no_known_server(api: Api, owner: asyncpg.Connection) -> None:
    """It reads what is there, whatever the numbers of its rows mean."""
    await owner.execute(DAMAGES["moved"][0])
    async with browsing(api, "cara") as browser:
        assert (await browser.get("/staff/tickets?view=all")).status == 200


async def test_rows_of_another_cluster_refuse_every_request_until_a_rebase(api: Api, owner: asyncpg.Connection) -> None:
    await owner.execute(DAMAGES["moved"][0])
    await owner.execute("UPDATE export_source.horizon SET xid = '9000000000000000000'")

    answer = await api.request_export("cara")

    assert (answer.status, answer.json["type"]) == (503, "urn:ticket-export:problem:source-unprepared")
    assert "ticket-export source rebase" in answer.json["detail"]
    assert await api.count("jobs") == 0


@pytest.mark.parametrize("what", ["trigger off", "column gone"])
async def test_a_request_is_refused_at_once_while_versioning_is_broken(
    api: Api, owner: asyncpg.Connection, what: str
) -> None:
    await owner.execute(DAMAGES[what][0])

    answer = await api.request_export("cara")

    assert (answer.status, answer.json["type"]) == (503, "urn:ticket-export:problem:source-unprepared")
    assert await api.count("jobs") == 0
