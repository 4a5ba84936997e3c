"""A worker that stands still for longer than its lease, and wakes up when its rival has long finished."""

import asyncio

import pytest

from support.exports import wait_until_ended
from support.faults.scene import Scene, is_frozen, running_tasks, thaw
from support.services import Service

MULTIPART = [
    "copy.mid_page.5",
    "copy.part_stored.2",
    "copy.done",
    "copy.locked",
    "finish.before_complete",
    "finish.before_publish",
]


async def freeze_at(scene: Scene, place: str, zombie: Service) -> None:
    await scene.failpoints.wait(place)
    async with asyncio.timeout(20):
        while not is_frozen(zombie):
            await asyncio.sleep(0.01)


async def has_let_go(zombie: Service) -> None:
    async with asyncio.timeout(30):
        while await running_tasks(zombie):
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("place", MULTIPART)
async def test_a_zombie_changes_nothing_after_its_rival(scene: Scene, place: str) -> None:
    zombie = await scene.worker("zombie")
    scene.failpoints.arm(place, "stop")
    requested = await scene.big()
    await freeze_at(scene, place, zombie)
    await scene.worker("rival")
    await wait_until_ended(scene.installation, requested.id)
    thaw(zombie)
    await has_let_go(zombie)
    await scene.judge()
    assert await zombie.stop() == 0


async def test_a_zombies_small_file_is_collected(scene: Scene) -> None:
    zombie = await scene.worker("zombie")
    scene.failpoints.arm("copy.put", "stop")
    requested = await scene.request("open")
    await freeze_at(scene, "copy.put", zombie)
    await scene.worker("rival")
    await wait_until_ended(scene.installation, requested.id)
    thaw(zombie)
    await has_let_go(zombie)
    await scene.judge()


async def test_a_worker_frozen_in_the_middle_of_a_claim_holds_nobody_up(scene: Scene) -> None:
    zombie = await scene.worker("zombie")
    scene.failpoints.arm("claim.locked", "stop")
    await scene.request("open")
    await freeze_at(scene, "claim.locked", zombie)
    await scene.worker("rival")
    other = await scene.request("overdue")
    await wait_until_ended(scene.installation, other.id, 20)
    thaw(zombie)
    await has_let_go(zombie)
    await scene.judge()
