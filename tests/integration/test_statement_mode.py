"""Exports of a source that keeps no history: one instant each, that of the statement, and said to everybody."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from pydantic import SecretStr

from export_api.settings import ApiSettings
from export_ops.source.disable import disable
from export_ops.source.sync import enable
from integration.export_api.browser import browsing
from integration.export_api.running_api import Api, running_api
from support.assertions import file_of
from support.exports import Requested, digest_of, insert_job, read_object, wait_until_ended
from support.installation import SCHEMAS, Installation
from support.oracle import parse_csv
from support.tickets import add_tickets
from support.workers import MEBIBYTE, worker
from ticket_export.storage.object_store import ObjectStore

Connection = asyncpg.Connection
STATEMENT: dict[str, Any] = {
    "snapshot_mode": "statement",
    "snapshot": "",
    "schema_signature": "",
    "source_identity": "",
}


@pytest.fixture
async def owner(installation: Installation) -> AsyncIterator[Connection]:
    connection = await installation.connect()
    yield connection
    await connection.close()


@pytest.fixture
def api_settings(installation: Installation, tmp_path: Path) -> ApiSettings:
    return installation.settings(
        ApiSettings, port=0, auth_mode="demo", demo_signing_key_file=tmp_path / "key.json", log_format="console"
    )


@pytest.fixture
async def api(installation: Installation, api_settings: ApiSettings) -> AsyncIterator[Api]:
    async with running_api(installation, api_settings) as running:
        yield running


def installer_url(installation: Installation) -> SecretStr:
    return SecretStr(installation.installer_url)


async def completed(installation: Installation, job_id: UUID) -> tuple[asyncpg.Record, list[list[str]]]:
    """Wait for the file; return the job and the file's lines without its header."""
    job = await wait_until_ended(installation, job_id)
    assert job["status"] == "completed", (job["error_code"], job["error_message"])
    file = await file_of(installation, job_id)
    content = read_object(installation, file["object_key"])
    assert file["digest"] == digest_of(content, file["part_sizes"])
    lines = parse_csv(content)[1:]
    assert job["rows_total"] == job["rows_done"] == len(lines)
    return job, lines


async def test_while_disabled_a_file_shows_its_statements_instant_and_everybody_is_told(
    api: Api, installation: Installation, owner: Connection
) -> None:
    await disable(installer_url(installation), SCHEMAS, now=True)

    answer = await api.request_export("cara", {"view_id": "all"})

    assert (answer.status, answer.json["snapshot_mode"], answer.json["read_at"]) == (202, "statement", None)
    await owner.execute("UPDATE helpdesk.tickets SET title = 'after the request'")
    before = datetime.now(UTC)
    async with worker(installation):
        job, lines = await completed(installation, UUID(answer.json["id"]))
    assert {line[1] for line in lines} == {"after the request"}
    assert before <= job["read_at"] <= datetime.now(UTC)
    told = (await api.get(f"/api/v1/exports/{job['id']}", "cara")).json
    assert (told["snapshot_mode"], datetime.fromisoformat(told["read_at"])) == ("statement", job["read_at"])
    event = json.loads(
        await owner.fetchval("SELECT body FROM exports.outbox WHERE headers ->> 'ce_type' LIKE '%ExportCompleted%'")
        or "{}"
    )
    if event:  # unless the relay was quicker
        assert (event["snapshot_mode"], datetime.fromisoformat(event["read_at"])) == ("statement", job["read_at"])
    async with browsing(api, "cara") as browser:
        page = (await browser.get(f"/staff/exports/{job['id']}")).text
    assert "Not as of the request" in page
    assert "exactly as they were" not in page


async def test_enabled_again_the_next_request_is_exact(api: Api, installation: Installation, owner: Connection) -> None:
    await disable(installer_url(installation), SCHEMAS)
    await enable(installer_url(installation), SCHEMAS)

    answer = await api.request_export("cara", {"view_id": "all"})

    assert (answer.json["snapshot_mode"], answer.json["read_at"]) == ("exact", None)
    async with browsing(api, "cara") as browser:
        assert "exactly as they were" in (await browser.get(f"/staff/exports/{answer.json['id']}")).text


@pytest.mark.parametrize("mode", ["auto", "exact"])
async def test_it_is_never_chosen_silently(
    installation: Installation, api_settings: ApiSettings, owner: Connection, mode: str
) -> None:
    """Broken is not disabled; and who wants exact files only gets none while it is."""
    if mode == "auto":
        await owner.execute("DROP TRIGGER zz_hist ON helpdesk.tickets")
    else:
        await disable(installer_url(installation), SCHEMAS, now=True)
    async with running_api(installation, api_settings.model_copy(update={"snapshot_mode": mode})) as api:
        answer = await api.request_export("cara")
        assert await api.count("jobs") == 0
    assert (answer.status, answer.json["type"]) == (503, "urn:ticket-export:problem:source-unprepared")


async def test_a_source_that_was_never_changed_can_be_exported(
    installation: Installation, api_settings: ApiSettings, owner: Connection
) -> None:
    await owner.execute("DROP SCHEMA export_source CASCADE")
    await owner.execute("ALTER TABLE helpdesk.tickets DROP COLUMN valid_from; DROP TABLE helpdesk.tickets_history")
    async with running_api(installation, api_settings) as api:
        assert (await api.request_export("cara")).status == 503
    async with running_api(installation, api_settings.model_copy(update={"snapshot_mode": "statement"})) as api:
        job_id = await api.new_job("cara", "all")
    async with worker(installation):
        _, lines = await completed(installation, job_id)
    assert len(lines) == await owner.fetchval("SELECT count(*) FROM helpdesk.tickets WHERE deleted_at IS NULL")


async def test_now_in_a_filter_is_the_statements_instant(installation: Installation, owner: Connection) -> None:
    await owner.execute("UPDATE helpdesk.tickets SET snoozed_until = clock_timestamp() + interval '1 day'")
    awake = await owner.fetchval(
        "UPDATE helpdesk.tickets SET status = 'new', snoozed_until = clock_timestamp() - interval '1 hour'"
        " WHERE id = (SELECT min(id) FROM helpdesk.tickets WHERE deleted_at IS NULL) RETURNING id"
    )
    yesterday = datetime.now(UTC) - timedelta(hours=20)
    requested = await insert_job(installation, "open", **STATEMENT, requested_at=yesterday)
    async with worker(installation):
        _, lines = await completed(installation, requested.id)
    assert [line[0] for line in lines] == [str(awake)]


@asynccontextmanager
async def writing(owner: Connection, statement: str) -> AsyncIterator[None]:
    """Repeat a statement as fast as it goes; $1 counts the rounds."""
    stop = asyncio.Event()

    async def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            await owner.execute(statement, number)

    task = asyncio.create_task(write())
    try:
        yield
    finally:
        stop.set()
        await task


async def test_all_rows_are_of_one_instant(installation: Installation, owner: Connection) -> None:
    """A writer changes all titles at once, again and again."""
    await add_tickets(installation, 5_000)
    await owner.execute("UPDATE helpdesk.tickets SET title = 'round 0'")
    async with writing(owner, "UPDATE helpdesk.tickets SET title = 'round ' || $1::int"):
        for _ in range(3):
            requested = await insert_job(installation, "all", **STATEMENT)
            async with worker(installation, page_rows=100):
                _, lines = await completed(installation, requested.id)
            assert len({line[1] for line in lines}) == 1


async def test_the_count_is_of_the_same_instant(installation: Installation, owner: Connection) -> None:
    """A writer adds tickets all the time, so that no two statements count the same."""
    await add_tickets(installation, 5_000)
    add = "INSERT INTO helpdesk.tickets (id, title, status) VALUES (60000000 + $1::int, 'x', 'new')"
    async with writing(owner, add):
        requested = await insert_job(installation, "all", **STATEMENT)
        async with worker(installation):
            await completed(installation, requested.id)


def hang_at_part(monkeypatch: pytest.MonkeyPatch, number: int) -> asyncio.Event:
    """Let the first upload of this part hang for ever; the event tells when it is reached."""
    reached = asyncio.Event()
    original = ObjectStore.upload_part

    async def hanging(self: ObjectStore, key: str, upload_id: str, part: int, *rest: Any) -> Any:
        if part == number and not reached.is_set():
            reached.set()
            await asyncio.Event().wait()
        return await original(self, key, upload_id, part, *rest)

    monkeypatch.setattr(ObjectStore, "upload_part", hanging)
    return reached


@pytest.mark.parametrize("part", [1, 3])
async def test_another_attempt_reads_another_instant_as_a_whole(
    installation: Installation, owner: Connection, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    """Parts of two instants never meet: the second attempt has a plan, an upload and a key of its own."""
    await add_tickets(installation, 20_000, title="z" * 900)
    requested = await insert_job(installation, "all", **STATEMENT)
    reached = hang_at_part(monkeypatch, part)
    limits: dict[str, Any] = {"part_bytes": 5 * MEBIBYTE, "page_rows": 3_000, "worker_slots": 1}
    async with worker(installation, **limits):
        await asyncio.wait_for(reached.wait(), 30)
        between = datetime.now(UTC)
    await owner.execute("UPDATE helpdesk.tickets SET title = repeat('y', 900)")

    async with worker(installation, **limits):
        job, lines = await completed(installation, requested.id)

    assert {line[1] for line in lines} == {"y" * 900}
    assert job["read_at"] > between
    plans = await owner.fetchval("SELECT count(*) FROM exports.tasks WHERE kind = 'plan'")
    assert (plans, await uploads(owner, requested)) == (2, 2)


async def uploads(owner: Connection, requested: Requested) -> int:
    return int(await owner.fetchval("SELECT count(*) FROM exports.uploads WHERE job_id = $1", requested.id))


async def test_an_exact_export_from_before_the_switch_fails_rather_than_read_live_rows(
    installation: Installation,
) -> None:
    requested = await insert_job(installation, "all")
    await disable(installer_url(installation), SCHEMAS, now=True)
    async with worker(installation):
        job = await wait_until_ended(installation, requested.id)
    assert (job["status"], job["error_code"]) == ("failed", "snapshot_lost")
