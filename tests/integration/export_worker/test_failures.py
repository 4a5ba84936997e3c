"""A job that cannot succeed fails with a code, a safe message and a reference, and leaves no file behind."""

from typing import Any

import asyncpg
import pytest

from export_worker.source import Measure, Source
from support.exports import Requested, insert_job, list_objects, wait_until_ended
from support.installation import Installation
from support.tickets import add_tickets
from support.workers import MEBIBYTE, worker
from ticket_export.leases import Deadline
from ticket_export.settings import S3Settings
from ticket_export.storage.errors import StorageRefusedError
from ticket_export.storage.object_store import ObjectStore, open_object_store


async def failed(installation: Installation, requested: Requested) -> asyncpg.Record:
    job = await wait_until_ended(installation, requested.id)
    assert job["status"] == "failed"
    assert job["error_reference"]
    assert job["error_message"]
    connection = await installation.connect()
    try:
        assert await connection.fetchval("SELECT count(*) FROM exports.files") == 0
        audit = await connection.fetch(
            "SELECT action, outcome FROM exports.audit_log WHERE job_id = $1 ORDER BY id", requested.id
        )
        assert tuple(audit[-1]) == ("failed", "failure")
        left = await connection.fetchval(
            "SELECT count(*) FROM exports.tasks WHERE job_id = $1 AND status IN ('queued', 'leased')", requested.id
        )
        assert left == 0
    finally:
        await connection.close()
    return job


async def test_a_changed_schema_fails_the_job(installation: Installation) -> None:
    requested = await insert_job(installation, "all")
    connection = await installation.connect(installation.helpdesk_url)
    await connection.execute("ALTER TABLE helpdesk.tickets ALTER COLUMN category TYPE varchar(300)")
    await connection.close()
    async with worker(installation):
        job = await failed(installation, requested)
    assert job["error_code"] == "schema_changed"


async def test_a_pruned_snapshot_fails_the_job(installation: Installation) -> None:
    requested = await insert_job(installation, "all")
    connection = await installation.connect()
    await connection.execute("UPDATE export_source.horizon SET xid = pg_current_xact_id()")
    await connection.close()
    async with worker(installation):
        job = await failed(installation, requested)
    assert job["error_code"] == "snapshot_lost"


async def test_pages_that_do_not_add_up_are_never_published(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Source.measure

    async def one_more(self: Source, statement: str) -> Measure:
        measure = await original(self, statement)
        return Measure(measure.rows + 1, measure.oversized, measure.cuts)

    monkeypatch.setattr(Source, "measure", one_more)
    requested = await insert_job(installation, "all")
    async with worker(installation):
        job = await failed(installation, requested)
    assert job["error_code"] == "row_count_mismatch"


async def test_a_store_that_refuses_fails_the_job_after_its_attempts(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    async def refuse(*_: Any) -> None:
        nonlocal calls
        calls += 1
        raise StorageRefusedError("PutObject", 507, "XMinioStorageFull")

    monkeypatch.setattr(ObjectStore, "put", refuse)
    requested = await insert_job(installation, "all")
    async with worker(installation, max_attempts=3):
        job = await failed(installation, requested)
    assert (job["error_code"], calls) == ("storage_full", 3)
    assert list_objects(installation) == set()


async def test_a_failed_job_leaves_nothing_in_s3(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    await add_tickets(installation, 20_000, title="w" * 900)

    async def refuse(*_: Any) -> None:
        raise StorageRefusedError("CompleteMultipartUpload", 400, "InvalidPart")

    monkeypatch.setattr(ObjectStore, "complete_upload", refuse)
    requested = await insert_job(installation, "all")
    async with worker(installation, max_attempts=1, part_bytes=5 * MEBIBYTE):
        job = await failed(installation, requested)
    assert job["error_code"] == "storage_refused"
    connection = await installation.connect()
    keys = [row["object_key"] for row in await connection.fetch("SELECT object_key FROM exports.uploads")]
    await connection.close()
    async with open_object_store(installation.settings(S3Settings)) as store:
        assert [await store.list_uploads(key, Deadline.within(10)) for key in keys] == [[]]
    assert list_objects(installation) == set()


async def test_an_upload_that_is_lost_again_and_again_fails_the_job(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_tickets(installation, 20_000, title="v" * 300)
    original = ObjectStore.complete_upload
    losses = 0

    async def losing(self: ObjectStore, key: str, upload_id: str, *rest: Any) -> None:
        nonlocal losses
        losses += 1
        await self.abort_upload(key, upload_id, Deadline.within(10))
        await original(self, key, upload_id, *rest)

    monkeypatch.setattr(ObjectStore, "complete_upload", losing)
    requested = await insert_job(installation, "all")
    async with worker(installation, part_bytes=5 * MEBIBYTE):
        job = await failed(installation, requested)
    assert (job["error_code"], losses) == ("attempts_exhausted", 5)


async def test_whoever_meets_an_exhausted_task_ends_its_job(installation: Installation) -> None:
    requested = await insert_job(installation, "all")
    connection = await installation.connect()
    await connection.execute(
        "UPDATE exports.tasks SET status = 'leased', attempt = 5, lease_token = gen_random_uuid(),"
        " lease_until = clock_timestamp() - interval '1 s' WHERE job_id = $1",
        requested.id,
    )
    await connection.close()
    async with worker(installation):
        job = await failed(installation, requested)
    assert job["error_code"] == "attempts_exhausted"


async def test_a_job_does_not_grow_older_than_its_greatest_age(installation: Installation) -> None:
    requested = await insert_job(installation, "all")
    async with worker(installation, max_job_age_seconds=0.001):
        job = await failed(installation, requested)
    assert job["error_code"] == "too_old"


async def test_messages_to_people_are_safe(installation: Installation) -> None:
    connection = await installation.connect()
    await connection.execute("REVOKE ALL ON helpdesk.statuses FROM ticket_export_source_reader")
    await connection.close()
    requested = await insert_job(installation, "open")
    async with worker(installation, max_attempts=1):
        job = await failed(installation, requested)
    assert job["error_code"] == "source_error"
    assert "statuses" not in job["error_message"]
    assert "permission" not in job["error_message"]
