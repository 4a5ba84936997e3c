"""Cancelling takes effect within five seconds at every stage, also when the worker is dead; the database's clock judges."""

import asyncio
from signal import SIGKILL

import pytest

from support.faults.load import caller
from support.faults.scene import Scene, gone, running_tasks
from support.services import Service

LONGEST_SECONDS = 5.0
PLACES = ["plan.made", "copy.mid_page.2", "copy.part_saved.2", "finish.before_complete", "finish.before_publish"]


async def cancel(scene: Scene, api: Service, job_id: object) -> None:
    """Cancel, and hold the end against the moment before, both by the database's clock."""
    owner = await scene.installation.connect()
    began = await owner.fetchval("SELECT clock_timestamp()")
    path = f"{api.url}/api/v1/exports/{job_id}/cancel"
    async with caller(scene, api) as calling, calling.http.post(path) as answer:
        assert answer.status == 202, await answer.text()
    took = await owner.fetchval(
        "SELECT extract(epoch FROM completed_at - $2)::float8 FROM exports.jobs WHERE id = $1", job_id, began
    )
    await owner.close()
    assert took <= LONGEST_SECONDS


@pytest.mark.parametrize("place", PLACES)
async def test_a_running_export_is_cancelled_and_its_worker_lets_go(scene: Scene, place: str) -> None:
    api = await scene.api()
    worker = await scene.worker("one")
    scene.failpoints.arm(place, "wait")
    requested = await scene.big()
    await scene.failpoints.wait(place)
    await cancel(scene, api, requested.id)
    async with asyncio.timeout(LONGEST_SECONDS):
        while await running_tasks(worker):
            await asyncio.sleep(0.05)
    scene.must_fail(requested, "cancelled")
    await scene.request("overdue")
    await scene.judge()


async def test_a_dead_workers_export_is_cancelled(scene: Scene) -> None:
    api = await scene.api()
    worker = await scene.worker("one")
    scene.failpoints.arm("copy.part_saved.2", "kill")
    requested = await scene.big()
    assert await gone(worker) == -SIGKILL
    await cancel(scene, api, requested.id)
    scene.must_fail(requested, "cancelled")
    await scene.judge()


async def test_whoever_locks_the_job_first_wins(scene: Scene) -> None:
    api = await scene.api()
    await scene.worker("one")
    scene.failpoints.arm("finish.locked", "wait")
    requested = await scene.request("open")
    await scene.failpoints.wait("finish.locked")
    path = f"{api.url}/api/v1/exports/{requested.id}/cancel"
    async with caller(scene, api) as calling, scene.owner() as owner:
        cancelling = asyncio.create_task(calling.http.post(path))
        async with asyncio.timeout(10):
            while not cancelling.done() and not await owner.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ):
                await asyncio.sleep(0.02)
        scene.failpoints.release("finish.locked")
        async with await cancelling as answer:
            assert answer.status == 409, await answer.text()
    await scene.judge()
