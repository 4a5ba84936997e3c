"""A job that nobody finishes in time fails, whether or not a worker is there to notice."""

from datetime import timedelta

import pytest

from integration.janitor.scene import Scene

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("status", ["queued", "running"])
async def test_an_unfinished_job_fails_at_its_greatest_age(scene: Scene, status: str) -> None:
    old = await scene.job(status, requested_ago=DAY + MINUTE)
    young = await scene.job(status, requested_ago=DAY - MINUTE)

    report = await scene.run()

    assert [await scene.status(job_id) for job_id in (old, young)] == ["failed", status]
    assert report.summary()["fail_overdue_jobs"] == 1
    job = await scene.owner.fetchrow("SELECT error_code, error_message, error_reference FROM jobs WHERE id = $1", old)
    assert job is not None
    assert job["error_code"] == "too_old"
    assert "request it again" in job["error_message"]
    assert job["error_reference"]
    assert await scene.count("audit_log", f"job_id = '{old}' AND action = 'failed'") == 1
    [_audit, (topic, event)] = await scene.events()
    assert topic.endswith("events.v1")
    assert (event["job_id"], event["error_code"]) == (str(old), "too_old")


async def test_more_than_a_batch_all_fail(scene: Scene) -> None:
    for _ in range(5):
        await scene.job("queued", requested_ago=2 * DAY)

    await scene.run(batch_rows=2)

    assert await scene.count("jobs", "status = 'failed'") == 5


async def test_it_no_longer_holds_history_in_the_same_run(scene: Scene) -> None:
    taken = await scene.owner.fetchval("SELECT pg_current_snapshot()::text")
    await scene.job("queued", requested_ago=2 * DAY, snapshot=taken)
    await scene.owner.execute("UPDATE helpdesk.tickets SET title = 'x'")
    await scene.owner.execute(
        "INSERT INTO export_source.markers (recorded_at) VALUES (clock_timestamp() - interval '2 h')"
    )

    await scene.run()

    assert await scene.count("helpdesk.tickets_history") == 0
