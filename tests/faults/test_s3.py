"""S3 is down, slow, full, or does what it is told and does not say so."""

import asyncio
from collections.abc import Callable

import pytest

from support.exports import wait_until_ended
from support.faults.s3_proxy import Call
from support.faults.scene import REAL_LEASE, Scene


async def failures(scene: Scene) -> int:
    connection = await scene.installation.connect()
    try:
        return int(await connection.fetchval("SELECT coalesce(max(failures), 0) FROM exports.tasks"))
    finally:
        await connection.close()


async def have_failed(scene: Scene, times: int) -> None:
    async with asyncio.timeout(40):
        while await failures(scene) < times:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(("name", "status"), [("create", 503), ("part", 500), ("part", 503), ("complete", 500)])
async def test_an_answer_of_the_5xx_kind_is_waited_out(scene: Scene, name: str, status: int) -> None:
    s3 = await scene.s3()
    s3.refusal = lambda call: status if call.name == name and call.part in {0, 3} else None
    # No lease may run out here: a part that S3 took after it would be sent again, and rightly.
    await scene.worker("one", **REAL_LEASE)
    await scene.big()
    # More often than there are attempts: it does not count.
    await have_failed(scene, 6)
    s3.refusal = lambda _call: None
    await scene.judge()
    assert set(s3.stored.values()) == {1}, "finished parts were uploaded again"


async def test_a_store_that_is_gone_is_waited_for(scene: Scene) -> None:
    store = scene.installation.servers.object_store
    scene.failpoints.arm("copy.part_saved.2", "wait")
    await scene.worker("one")
    await scene.big()
    await scene.failpoints.wait("copy.part_saved.2")
    store.kill()
    scene.failpoints.release("copy.part_saved.2")
    await have_failed(scene, 3)
    await asyncio.to_thread(store.start)
    await scene.judge()


async def test_a_slow_store_costs_time_only(scene: Scene) -> None:
    s3 = await scene.s3()
    s3.slow_seconds = 1.0
    # A call that takes longer than the lease can never be made: it is bounded by what is left.
    await scene.worker("one", LEASE_SECONDS="6", LEASE_RENEWAL_SECONDS="1")
    await scene.big()
    await scene.judge()


async def test_a_store_that_stays_away_ends_the_job_at_its_greatest_age(scene: Scene) -> None:
    s3 = await scene.s3()
    s3.refusal = lambda _call: 503
    await scene.worker("one", MAX_JOB_AGE_SECONDS="3")
    scene.must_fail(await scene.request("open"), "too_old")
    await wait_until_ended(scene.installation, scene.requested[0].id)
    s3.refusal = lambda _call: None
    await scene.judge()


@pytest.mark.parametrize("name", ["put", "part"])
async def test_a_full_store_fails_the_job_and_keeps_nothing(scene: Scene, name: str) -> None:
    s3 = await scene.s3()
    s3.refusal = lambda call: 507 if call.name == name and call.part in {0, 2} else None
    await scene.worker("one")
    scene.must_fail(await scene.big() if name == "part" else await scene.request("open"), "storage_full")
    await scene.judge()


def losing_first(name: str, lost: list[Call]) -> Callable[[Call], bool]:
    """Lose the answer to the first call of this name."""

    def loses(call: Call) -> bool:
        if call.name != name or lost:
            return False
        lost.append(call)
        return True

    return loses


@pytest.mark.parametrize("name", ["create", "part", "complete"])
async def test_an_answer_that_is_lost_is_found_out(scene: Scene, name: str) -> None:
    s3 = await scene.s3()
    lost: list[Call] = []
    s3.loses = losing_first(name, lost)
    await scene.worker("one")
    await scene.big()
    await scene.judge()
    assert lost
    if name == "complete":
        assert len({key for key, _ in s3.stored}) == 1, "no second plan was made"
        assert await failures(scene) == 0, "looking at the object settles it at once"


async def test_a_put_whose_answer_is_lost_is_made_again_elsewhere(scene: Scene) -> None:
    s3 = await scene.s3()
    lost: list[Call] = []
    s3.loses = losing_first("put", lost)
    await scene.worker("one")
    await scene.request("open")
    await scene.judge()
    assert lost
