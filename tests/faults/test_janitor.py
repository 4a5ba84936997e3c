"""The janitor beside downloads, re-plans and uploads under way, and beside another janitor that dies in mid-run."""

import asyncio
from signal import SIGKILL

import pytest

from support.assertions import file_of
from support.exports import list_objects, wait_until_ended
from support.faults.load import ask, caller, note
from support.faults.scene import Scene, gone
from support.services import BIN, Service


async def janitor(scene: Scene, **more: str) -> Service:
    """Start `janitor --once`, with no grace unless told otherwise."""
    env = {
        **scene.installation.janitor_env,
        "ORPHAN_GRACE_SECONDS": "0",
        "LEASE_SECONDS": "2",
        "LOG_FORMAT": "console",
        "FAILPOINTS": str(scene.failpoints.directory),
        "PATH": "/usr/bin:/bin",
        **more,
    }
    log = scene.directory / f"janitor-{len(list(scene.directory.glob('janitor-*')))}.log"
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(BIN / "janitor", "--once", env=env, stdout=output, stderr=output)
    service = Service("janitor", process, "", log)

    async def end() -> None:
        if process.returncode is None:
            await service.kill()

    scene.stack.push_async_callback(end)
    return service


async def expire_now(scene: Scene) -> None:
    connection = await scene.installation.connect()
    await connection.execute("UPDATE exports.jobs SET expires_at = clock_timestamp() WHERE status = 'completed'")
    await connection.close()


async def test_the_row_expires_before_the_object_goes_and_a_download_sees_it(scene: Scene) -> None:
    api = await scene.api()
    await scene.worker("one")
    async with caller(scene, api) as calling:
        requested = await ask(scene, calling)
        await calling.ended(str(requested.id))
        key = (await file_of(scene.installation, requested.id))["object_key"]
        path = f"{api.url}/api/v1/exports/{requested.id}/download"
        async with calling.http.get(path, allow_redirects=False) as answer:
            assert answer.status == 303
        await expire_now(scene)
        scene.failpoints.arm("janitor.expired", "wait")
        running = await janitor(scene)
        await scene.failpoints.wait("janitor.expired")
        async with calling.http.get(path, allow_redirects=False) as answer:
            assert answer.status == 410
        assert key in list_objects(scene.installation)
        scene.failpoints.release("janitor.expired")
        assert await gone(running) == 0
        assert key not in list_objects(scene.installation)
    scene.expired.add(requested.id)
    await scene.judge()


@pytest.mark.parametrize("place", ["copy.part_saved.2", "finish.completed"])
async def test_an_upload_under_way_is_left_alone(scene: Scene, place: str) -> None:
    await scene.worker("one")
    scene.failpoints.arm(place, "wait")
    await scene.big()
    await scene.failpoints.wait(place)
    assert await gone(await janitor(scene)) == 0
    async with scene.owner() as owner:
        assert await owner.fetchval("SELECT count(*) FROM exports.uploads") == 1
    scene.failpoints.release(place)
    await scene.judge()


async def test_what_a_new_plan_replaced_is_cleared_beside_it(scene: Scene) -> None:
    s3 = await scene.s3()
    s3.refusal = lambda call: 404 if call.name == "complete" and s3.calls["complete"] == 1 else None
    await scene.worker("one")
    scene.failpoints.arm("finish.before_publish", "wait")
    requested = await scene.big()
    await scene.failpoints.wait("finish.before_publish")
    assert await gone(await janitor(scene)) == 0
    async with scene.owner() as owner:
        plans = await owner.fetchval("SELECT count(DISTINCT object_key) FROM faults.uploads")
        left = await owner.fetchval("SELECT count(*) FROM exports.uploads")
    assert (plans, left) == (2, 1), "the replaced one is gone, the one in use is not"
    scene.failpoints.release("finish.before_publish")
    await wait_until_ended(scene.installation, requested.id)
    await scene.judge()


async def test_a_retry_runs_beside_the_clearing_of_what_failed(scene: Scene) -> None:
    s3 = await scene.s3()
    s3.refusal = lambda call: 507 if call.name == "put" else None
    api = await scene.api()
    await scene.worker("one")
    async with caller(scene, api) as calling:
        failed = await ask(scene, calling)
        scene.must_fail(failed, "storage_full")
        await calling.ended(str(failed.id))
        s3.refusal = lambda _call: None
        scene.failpoints.arm("janitor.uploads_chosen", "wait")
        running = await janitor(scene)
        await scene.failpoints.wait("janitor.uploads_chosen")
        async with calling.http.post(f"{api.url}/api/v1/exports/{failed.id}/retry") as answer:
            assert answer.status == 202, await answer.text()
            retried = await note(scene, await answer.json(), "open")
        await calling.ended(str(retried.id))
        scene.failpoints.release("janitor.uploads_chosen")
        assert await gone(running) == 0
    await scene.judge()


@pytest.mark.parametrize("place", ["janitor.expired", "janitor.object_deleted", "janitor.upload_cleared"])
async def test_a_second_janitor_finishes_what_the_first_left(scene: Scene, place: str) -> None:
    await scene.worker("one")
    for scope in ("open", "overdue"):
        requested = await scene.request(scope)
        await wait_until_ended(scene.installation, requested.id)
    contents = [await file_of(scene.installation, requested.id) for requested in scene.requested]
    assert len(contents) == 2
    await expire_now(scene)
    scene.failpoints.arm(place, "kill")
    first = await janitor(scene)
    second = await janitor(scene)
    ends = {await gone(first), await gone(second)}
    assert ends == {-SIGKILL, 0}
    assert list_objects(scene.installation) == set()
    scene.expired.update(requested.id for requested in scene.requested)
    await scene.judge()
