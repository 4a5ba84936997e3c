"""What was begun in S3 and never became a file is cleared from rows, after its grace, and only then."""

from datetime import timedelta
from uuid import uuid4

import pytest

from integration.janitor.scene import Scene
from janitor import uploads
from ticket_export.storage.errors import StorageRefusedError
from ticket_export.storage.object_store import ObjectStore, TimeLimit

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


class Crash(BaseException):
    """Stands for SIGKILL: nothing catches it."""


async def test_an_orphaned_multipart_upload_is_aborted_and_its_row_deleted(scene: Scene) -> None:
    key = await scene.upload(await scene.job("failed", ended_ago=2 * HOUR))
    begun = await scene.begin(key)

    report = await scene.run()

    assert await scene.store.list_uploads(key, scene.moment()) == []
    with pytest.raises(StorageRefusedError, match="NoSuchUpload"):
        await scene.complete(key, begun)
    assert await scene.count("uploads") == 0
    assert report.summary()["clear_uploads"] == 1


async def test_an_upload_is_cleared_in_the_bucket_that_it_was_begun_in(scene: Scene, other_bucket: str) -> None:
    key = await scene.upload(await scene.job("failed", ended_ago=2 * HOUR), bucket=other_bucket)
    other = await scene.buckets.store(other_bucket)
    await scene.put(key, other)
    await scene.put(key)

    await scene.run()

    assert await other.head(key, scene.moment()) is None
    assert await scene.exists(key), "the bucket of today has nothing to do with it"
    assert await scene.count("uploads") == 0


async def lists_nothing(_store: ObjectStore, _key: str, _deadline: TimeLimit) -> list[str]:
    """MinIO lists uploads by exact key at best; another server may be slower to know."""
    return []


async def test_an_upload_is_aborted_by_its_stored_id_as_well(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = await scene.job("cancelled", ended_ago=2 * HOUR)
    key = f"exports/{job_id}/{uuid4()}/tickets.csv"
    begun = await scene.begin(key)
    await scene.upload(job_id, key=key, upload_id=begun.upload_id)
    monkeypatch.setattr(ObjectStore, "list_uploads", lists_nothing)

    await scene.run()

    with pytest.raises(StorageRefusedError, match="NoSuchUpload"):
        await scene.complete(key, begun)


async def test_a_finished_object_without_a_file_row_is_deleted(scene: Scene) -> None:
    key = await scene.upload(await scene.job("failed", ended_ago=2 * HOUR))
    await scene.put(key)

    await scene.run()

    assert not await scene.exists(key)
    assert await scene.count("uploads") == 0


async def test_the_object_that_a_file_row_vouches_for_stays(scene: Scene) -> None:
    job_id = await scene.job("completed", ended_ago=2 * HOUR)
    key = await scene.file(job_id)
    await scene.upload(job_id, key=key)
    neighbour = f"{key}.second"
    await scene.put(neighbour)

    await scene.run()

    assert await scene.exists(key)
    assert await scene.count("uploads") == 0
    assert await scene.exists(neighbour), "only the exact key is the janitor's business"


async def test_an_object_that_came_back_after_its_file_was_deleted_goes_again(scene: Scene) -> None:
    job_id = await scene.job("expired", ended_ago=2 * HOUR)
    key = await scene.file(job_id)
    await scene.owner.execute("UPDATE files SET deleted_at = clock_timestamp()")
    await scene.upload(job_id, key=key)

    await scene.run()

    assert not await scene.exists(key)
    assert await scene.count("uploads") == 0


async def test_the_losing_upload_of_a_job_that_goes_on_is_cleared(scene: Scene) -> None:
    job_id = await scene.job("running")
    lost = await scene.upload(job_id, superseded_ago=2 * HOUR)
    current = await scene.upload(job_id)
    for key in (lost, current):
        await scene.put(key)

    await scene.run()

    assert not await scene.exists(lost)
    assert await scene.exists(current)
    assert await scene.count("uploads", f"object_key = '{current}'") == await scene.count("uploads") == 1


@pytest.mark.parametrize(
    ("status", "ended_ago", "superseded_ago", "begun_ago"),
    [
        ("failed", HOUR - MINUTE, None, 3 * HOUR),
        ("failed", 2 * HOUR, None, HOUR - MINUTE),
        ("running", HOUR, HOUR - MINUTE, 3 * HOUR),
        ("running", HOUR, None, 30 * HOUR),
        ("queued", HOUR, None, 30 * HOUR),
    ],
)
async def test_nothing_is_touched_before_its_grace_is_over(
    scene: Scene, status: str, ended_ago: timedelta, superseded_ago: timedelta | None, begun_ago: timedelta
) -> None:
    job_id = await scene.job(status, ended_ago=ended_ago)
    key = await scene.upload(job_id, superseded_ago=superseded_ago, begun_ago=begun_ago)
    await scene.put(key)
    begun = await scene.begin(key)

    await scene.run()

    assert await scene.exists(key)
    assert await scene.count("uploads") == 1
    await scene.complete(key, begun)


@pytest.mark.parametrize("column", ["lease_token", "plan_token"])
async def test_nothing_is_touched_under_a_lease_that_has_not_passed(scene: Scene, column: str) -> None:
    job_id = await scene.job("running")
    key = await scene.upload(job_id, superseded_ago=2 * HOUR)
    token = await scene.owner.fetchval(f"SELECT {column} FROM uploads")
    await scene.owner.execute(
        f"""INSERT INTO tasks (id, job_id, kind, status, lease_until, {column}{"" if column == "lease_token" else ", lease_token"})
            VALUES ($1, $2, 'copy', 'leased', clock_timestamp() + '1 minute', $3{"" if column == "lease_token" else ", $1"})""",
        uuid4(),
        job_id,
        token,
    )
    await scene.put(key)

    await scene.run(orphan_grace_seconds=0)
    assert await scene.exists(key)

    await scene.owner.execute("UPDATE tasks SET lease_until = clock_timestamp() - interval '1 second'")
    await scene.run(orphan_grace_seconds=0)
    assert not await scene.exists(key)


async def test_without_grace_everything_goes_at_once(scene: Scene) -> None:
    key = await scene.upload(await scene.job("failed", ended_ago=timedelta()), begun_ago=timedelta())
    await scene.put(key)

    await scene.run(orphan_grace_seconds=0)

    assert not await scene.exists(key)
    assert await scene.count("uploads") == 0


@pytest.mark.parametrize("fatal", ["_clear", "_forget"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_run_that_was_killed_anywhere_is_finished_by_the_next(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, fatal: str, when: str
) -> None:
    key = await scene.upload(await scene.job("failed", ended_ago=2 * HOUR))
    await scene.put(key)
    await scene.begin(key)
    whole = getattr(uploads, fatal)

    async def cut(*arguments: object) -> None:
        if when == "after":
            await whole(*arguments)
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(uploads, fatal, cut)
        with pytest.raises(Crash):
            await scene.run()
    assert await scene.count("uploads") == 1 or not await scene.exists(key), "a row went before its object"

    await scene.run()

    assert not await scene.exists(key)
    assert await scene.store.list_uploads(key, scene.moment()) == []
    assert await scene.count("uploads") == 0


async def test_uploads_of_an_export_that_expires_in_the_same_run_leave_nothing(scene: Scene) -> None:
    job_id, key = await scene.exported(expired_ago=MINUTE)
    await scene.upload(job_id, key=key)

    report = await scene.run(batch_rows=1)

    assert report.complete
    assert not await scene.exists(key)
    assert await scene.count("uploads") == 0
