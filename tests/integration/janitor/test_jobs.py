"""Old jobs go when nothing of them can be left in S3; the audit log stays."""

from datetime import timedelta

import pytest

from integration.janitor.scene import Scene

DAY = timedelta(days=1)


@pytest.mark.parametrize("status", ["failed", "cancelled", "expired"])
async def test_a_job_is_deleted_after_its_retention(scene: Scene, status: str) -> None:
    old = await scene.job(status, ended_ago=31 * DAY)
    young = await scene.job(status, ended_ago=29 * DAY)

    report = await scene.run()

    assert await scene.status(old) is None
    assert await scene.status(young) == status
    assert report.summary()["delete_old_jobs"] == 1


@pytest.mark.parametrize("status", ["queued", "running", "completed"])
async def test_a_job_that_may_still_have_a_future_stays(scene: Scene, status: str) -> None:
    job_id = await scene.job(status, ended_ago=60 * DAY)

    await scene.run()

    assert await scene.status(job_id) == status


async def test_a_job_stays_as_long_as_something_of_it_may_be_in_s3(scene: Scene, refused: set[str]) -> None:
    with_file = await scene.job("expired", ended_ago=60 * DAY)
    refused.add(await scene.file(with_file))
    with_upload = await scene.job("failed", ended_ago=60 * DAY)
    await scene.upload(with_upload, begun_ago=timedelta())

    report = await scene.run()

    assert await scene.status(with_file) == "expired"
    assert await scene.status(with_upload) == "failed"
    assert report.summary()["left"] == 1


async def test_one_run_takes_a_job_through_all_that_is_due(scene: Scene) -> None:
    job_id, key = await scene.exported(expired_ago=DAY)
    await scene.owner.execute("UPDATE jobs SET completed_at = clock_timestamp() - interval '31 days'")
    await scene.upload(job_id, key=key)

    await scene.run()

    assert await scene.status(job_id) is None
    assert not await scene.exists(key)
    assert await scene.count("files") == await scene.count("uploads") == 0
    assert await scene.count("audit_log", f"job_id = '{job_id}'") == 1


async def test_deleting_a_job_leaves_its_retry(scene: Scene) -> None:
    old = await scene.job("failed", ended_ago=60 * DAY)
    retry = await scene.job("running")
    await scene.owner.execute("UPDATE jobs SET retry_of = $1 WHERE id = $2", old, retry)

    await scene.run()

    assert await scene.status(old) is None
    assert await scene.status(retry) == "running"


async def test_more_jobs_than_a_batch_holds_all_go(scene: Scene) -> None:
    for _ in range(5):
        await scene.job("failed", ended_ago=60 * DAY)

    report = await scene.run(batch_rows=2)

    assert await scene.count("jobs") == 0
    assert report.summary()["delete_old_jobs"] == 5
