"""Row, object and media record of a finished export end together, whatever happens in between."""

import asyncio
import json
from datetime import timedelta
from uuid import UUID

import pytest

from integration.janitor.scene import Scene
from janitor import expire
from ticket_export.storage.object_store import ObjectStore

NOW = timedelta()
MINUTE = timedelta(minutes=1)


class Crash(BaseException):
    """Stands for SIGKILL: nothing catches it."""


async def gone(scene: Scene, job_id: UUID, key: str) -> bool:
    marked = await scene.count("files", f"job_id = '{job_id}' AND deleted_at IS NOT NULL")
    return await scene.status(job_id) == "expired" and marked == 1 and not await scene.exists(key)


async def test_an_export_past_its_time_goes_with_event_and_audit_row(scene: Scene) -> None:
    job_id, key = await scene.exported(expired_ago=MINUTE)

    report = await scene.run()

    assert await gone(scene, job_id, key)
    assert report.complete
    assert {step: number for step, number in report.summary().items() if number} == {
        "expire_jobs": 1,
        "delete_files": 1,
    }
    audited = await scene.owner.fetchrow("SELECT action, outcome, actor_id, job_id, rows_total FROM audit_log")
    assert tuple(audited or ()) == ("expired", "success", None, job_id, 3)
    (audit_topic, recorded), (events_topic, expired) = await scene.events()
    assert (audit_topic, recorded["action"]) == (scene.topics.audit, "expired")
    assert (events_topic, expired) == (
        scene.topics.events,
        {"job_id": str(job_id), "sequence": 2, "client_reference": None},
    )
    types = [json.loads(row["headers"])["ce_type"] for row in await scene.owner.fetch("TABLE outbox ORDER BY id")]
    assert types[1] == "ticket-export.ExportExpired.v1"


async def test_an_export_whose_time_has_not_come_stays(scene: Scene) -> None:
    job_id, key = await scene.exported(expired_ago=-MINUTE)

    report = await scene.run()

    assert await scene.status(job_id) == "completed"
    assert await scene.exists(key)
    assert await scene.count("files", "deleted_at IS NULL") == 1
    assert await scene.events() == []
    assert report.complete


async def test_more_exports_than_a_batch_holds_all_go(scene: Scene) -> None:
    exports = [await scene.exported(expired_ago=MINUTE) for _ in range(5)]

    report = await scene.run(batch_rows=2)

    assert [await gone(scene, job_id, key) for job_id, key in exports] == [True] * 5
    assert report.summary()["delete_files"] == 5


@pytest.mark.parametrize("fatal", ["lock_job", "expire_job", "_delete_object", "_mark_deleted"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_run_that_was_killed_anywhere_is_finished_by_the_next(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, fatal: str, when: str
) -> None:
    job_id, key = await scene.exported(expired_ago=MINUTE)
    whole = getattr(expire, fatal)

    async def cut(*arguments: object) -> None:
        if when == "after":
            await whole(*arguments)
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(expire, fatal, cut)
        with pytest.raises(Crash):
            await scene.run()
    assert await scene.status(job_id) == "expired" or await scene.exists(key), "an object went before its row"

    await scene.run()

    assert await gone(scene, job_id, key)
    assert await scene.count("audit_log") == 1
    assert len(await scene.events()) == 2


async def test_what_s3_refuses_to_delete_is_reported_and_tried_again(scene: Scene, refused: set[str]) -> None:
    lost_job, lost_key = await scene.exported(expired_ago=MINUTE)
    refused.add(lost_key)
    job_id, key = await scene.exported(expired_ago=MINUTE)

    report = await scene.run()

    assert not report.complete
    assert report.summary()["left"] == 1
    assert await gone(scene, job_id, key)
    assert await scene.status(lost_job) == "expired"
    assert await scene.count("files", f"job_id = '{lost_job}' AND deleted_at IS NULL") == 1

    refused.clear()
    report = await scene.run()

    assert report.complete
    assert await gone(scene, lost_job, lost_key)


async def test_what_is_left_does_not_stand_in_the_way_of_the_rest(scene: Scene, refused: set[str]) -> None:
    for _ in range(3):
        await scene.exported(expired_ago=MINUTE)
    last = await scene.owner.fetchval("SELECT object_key FROM files ORDER BY id DESC LIMIT 1")
    refused.update({row["object_key"] for row in await scene.owner.fetch("TABLE files")} - {last})

    async with asyncio.timeout(20):
        report = await scene.run(batch_rows=1)

    assert report.summary()["left"] == 2
    assert report.summary()["delete_files"] == 1


async def test_a_file_is_deleted_in_the_bucket_that_its_row_names(scene: Scene, other_bucket: str) -> None:
    job_id, key = await scene.exported(expired_ago=MINUTE)
    other: ObjectStore = await scene.buckets.store(other_bucket)
    await scene.put(key, other)
    await scene.owner.execute("UPDATE files SET bucket = $1", other_bucket)

    await scene.run()

    assert await scene.exists(key)
    assert await other.head(key, scene.moment()) is None
    assert await scene.count("files", f"job_id = '{job_id}' AND deleted_at IS NOT NULL") == 1
