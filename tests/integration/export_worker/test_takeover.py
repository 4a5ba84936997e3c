"""What happens when a worker goes silent: taken over within the lease, resumed after the last part, never doubled."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from export_worker.main import Worker
from support.assertions import assert_exact
from support.exports import Requested, insert_job, list_objects, wait_until_ended
from support.installation import Installation
from support.tickets import add_tickets
from support.workers import MEBIBYTE, count_part_uploads, worker
from ticket_export.storage.object_store import ObjectStore
from ticket_export.views.compile import COMPILER_VERSION

LIMITS: dict[str, Any] = {"part_bytes": 5 * MEBIBYTE, "page_rows": 3_000, "worker_slots": 1}


async def big_export(installation: Installation) -> Requested:
    await add_tickets(installation, 20_000, title="z" * 900)
    return await insert_job(installation, "all")


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


async def die(running: Worker) -> None:
    """End a worker's tasks as SIGKILL would: nothing is settled, leases are left to run out."""
    for task in list(running.runner._running):
        task.cancel()


def settle_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: Any) -> None:
        return None

    monkeypatch.setattr("export_worker.run.hand_back", nothing)
    monkeypatch.setattr("export_worker.run.settle", nothing)


async def test_a_dead_workers_parts_are_not_uploaded_again(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    requested = await big_export(installation)
    stored = count_part_uploads(monkeypatch)
    reached = hang_at_part(monkeypatch, 3)
    with monkeypatch.context() as dead:
        settle_nothing(dead)
        async with worker(installation, **LIMITS) as first:
            await asyncio.wait_for(reached.wait(), 30)
            await parts_saved(installation, requested, 2)
            await die(first)
    before = Counter(stored)
    async with worker(installation, **LIMITS):
        content = await assert_exact(installation, requested)
    assert len(content) > 15 * MEBIBYTE
    assert before == {1: 1, 2: 1}
    assert stored[1] == stored[2] == 1


async def parts_saved(installation: Installation, requested: Requested, number: int) -> None:
    connection = await installation.connect()
    async with asyncio.timeout(20):
        while number != await connection.fetchval(
            "SELECT jsonb_array_length(checkpoint -> 'parts') FROM exports.tasks WHERE job_id = $1 AND kind = 'copy'",
            requested.id,
        ):
            await asyncio.sleep(0.02)
    await connection.close()


async def test_a_drained_worker_hands_back_at_once_and_it_does_not_count(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    requested = await big_export(installation)
    stored = count_part_uploads(monkeypatch)
    reached = hang_at_part(monkeypatch, 3)
    async with worker(installation, **{**LIMITS, "lease_seconds": 60.0}):
        await asyncio.wait_for(reached.wait(), 30)
        await parts_saved(installation, requested, 2)
    connection = await installation.connect()
    row = await connection.fetchrow(
        "SELECT status, attempt, available_at <= clock_timestamp() AS due FROM exports.tasks"
        " WHERE job_id = $1 AND kind = 'copy'",
        requested.id,
    )
    await connection.close()
    assert row is not None
    assert dict(row) == {"status": "queued", "attempt": 0, "due": True}
    async with worker(installation, **LIMITS):
        await assert_exact(installation, requested)
    assert set(stored.values()) == {1}


async def test_a_zombie_stops_and_writes_nothing_more(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    requested = await big_export(installation)
    reached = hang_at_part(monkeypatch, 3)
    async with worker(installation, worker_name="zombie", **LIMITS) as zombie:
        await asyncio.wait_for(reached.wait(), 30)
        # The rival's claim, as far as the zombie can see it: its token no longer stands.
        connection = await installation.connect()
        await connection.execute(
            "UPDATE exports.tasks SET lease_until = clock_timestamp() - interval '1 s', lease_token = gen_random_uuid()"
            " WHERE job_id = $1 AND status = 'leased'",
            requested.id,
        )
        await connection.close()
        async with asyncio.timeout(10):
            while zombie.running_tasks:
                await asyncio.sleep(0.02)
        async with worker(installation, worker_name="rival", **LIMITS):
            await assert_exact(installation, requested)
    assert len(list_objects(installation)) == 1


async def test_a_page_that_changed_is_planned_again(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    requested = await big_export(installation)
    reached = hang_at_part(monkeypatch, 3)
    async with worker(installation, **LIMITS):
        await asyncio.wait_for(reached.wait(), 30)
        await parts_saved(installation, requested, 2)
    connection = await installation.connect()
    token = await connection.fetchval("SELECT plan_token FROM exports.jobs WHERE id = $1", requested.id)
    await connection.execute(
        "UPDATE exports.tasks SET checkpoint = jsonb_set(checkpoint, '{page_sha256}', '\"00\"') WHERE job_id = $1",
        requested.id,
    )
    async with worker(installation, **LIMITS):
        await assert_exact(installation, requested)
    assert await connection.fetchval("SELECT plan_token FROM exports.jobs WHERE id = $1", requested.id) != token
    await connection.close()


async def test_another_compiler_version_never_continues_a_plan(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    requested = await big_export(installation)
    reached = hang_at_part(monkeypatch, 2)
    async with worker(installation, **LIMITS):
        await asyncio.wait_for(reached.wait(), 30)
    stored = count_part_uploads(monkeypatch)
    monkeypatch.setattr("export_worker.copy.COMPILER_VERSION", COMPILER_VERSION + 1)
    monkeypatch.setattr("export_worker.plan.COMPILER_VERSION", COMPILER_VERSION + 1)
    async with worker(installation, **LIMITS):
        await assert_exact(installation, requested)
    assert stored[1] == 1, "the new version began from the first part"


async def test_another_bucket_gets_a_file_of_its_own(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    requested = await big_export(installation)
    reached = hang_at_part(monkeypatch, 2)
    async with worker(installation, **LIMITS):
        await asyncio.wait_for(reached.wait(), 30)
    other = f"{installation.bucket}-new"
    installation.servers.object_store.create_bucket(other)
    async with worker(installation, s3_bucket=other, **LIMITS):
        job = await wait_until_ended(installation, requested.id)
    assert job["status"] == "completed"
    connection = await installation.connect()
    rows = await connection.fetch(
        "SELECT bucket, superseded_at IS NULL AS used FROM exports.uploads ORDER BY created_at"
    )
    file = await connection.fetchrow("SELECT bucket FROM exports.files")
    await connection.close()
    assert file is not None
    assert [tuple(row) for row in rows] == [(installation.bucket, False), (file["bucket"], True)]
    assert file["bucket"] == other


async def test_no_more_than_two_parts_are_under_way_behind_a_slow_one(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    requested = await big_export(installation)
    begun: list[int] = []
    second_stored, go_on = asyncio.Event(), asyncio.Event()
    original = ObjectStore.upload_part

    async def slow_first(self: ObjectStore, key: str, upload_id: str, part: int, *rest: Any) -> Any:
        begun.append(part)
        if part == 1:
            await go_on.wait()
        stored = await original(self, key, upload_id, part, *rest)
        if part == 2:
            second_stored.set()
        return stored

    monkeypatch.setattr(ObjectStore, "upload_part", slow_first)
    async with worker(installation, **LIMITS):
        await asyncio.wait_for(second_stored.wait(), 30)
        # Long enough for the stream, were it let go on, to hand over the third part.
        await asyncio.sleep(1)
        assert begun == [1, 2]
        go_on.set()
        await assert_exact(installation, requested)
    assert begun[2:] != []


async def test_s3_that_goes_away_is_waited_for(installation: Installation) -> None:
    requested = await insert_job(installation, "open")
    installation.servers.object_store.stop()
    try:
        async with worker(installation):
            connection = await installation.connect()
            async with asyncio.timeout(20):
                while not await connection.fetchval(
                    "SELECT max(failures) >= 3 FROM exports.tasks WHERE job_id = $1", requested.id
                ):
                    await asyncio.sleep(0.05)
            attempts = await connection.fetchval(
                "SELECT max(attempt) FROM exports.tasks WHERE job_id = $1", requested.id
            )
            await connection.close()
            assert attempts <= 1, "an unreachable store costs no attempt"
            await asyncio.to_thread(installation.servers.object_store.start)
            await assert_exact(installation, requested)
    finally:
        if not installation.servers.object_store.running:
            installation.servers.object_store.start()


async def test_the_source_going_away_in_mid_copy_is_survived(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    requested = await big_export(installation)
    original = ObjectStore.upload_part
    cut = False

    async def cutting(self: ObjectStore, key: str, upload_id: str, part: int, *rest: Any) -> Any:
        nonlocal cut
        if part == 2 and not cut:
            cut = True
            admin = await installation.connect()
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                " AND datname = current_database() AND query LIKE 'COPY%'"
            )
            await admin.close()
        return await original(self, key, upload_id, part, *rest)

    monkeypatch.setattr(ObjectStore, "upload_part", cutting)
    async with worker(installation, **LIMITS):
        await assert_exact(installation, requested)
    assert cut


async def test_a_lost_answer_to_complete_is_settled_by_looking(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    requested = await big_export(installation)
    original = ObjectStore.complete_upload
    calls = 0

    async def unheard(self: ObjectStore, *arguments: Any) -> None:
        nonlocal calls
        calls += 1
        await original(self, *arguments)
        # Complete a second time, as somebody would who never heard the answer.
        await original(self, *arguments)

    monkeypatch.setattr(ObjectStore, "complete_upload", unheard)
    async with worker(installation, **LIMITS):
        await assert_exact(installation, requested)
    assert calls == 1
    job = await wait_until_ended(installation, requested.id)
    assert job["error_code"] is None
