"""One janitor works at a time."""

import asyncio

import pytest

from integration.janitor.scene import Scene
from janitor.errors import LeaseHeldError, LeaseLostError
from janitor.leadership import Leadership, leading
from janitor.uploads import clear_uploads


async def test_a_second_janitor_waits_until_the_first_has_handed_back(scene: Scene) -> None:
    began = asyncio.Event()
    order = []

    async def second() -> None:
        began.set()
        async with leading(scene.pool, lease_seconds=30, patience_seconds=10, holder="second"):
            order.append("second in")

    async with leading(scene.pool, lease_seconds=30, patience_seconds=0, holder="first"):
        waiting = asyncio.create_task(second())
        await began.wait()
        with pytest.raises(LeaseHeldError):
            async with leading(scene.pool, lease_seconds=30, patience_seconds=0, holder="third"):
                pass
        order.append("first out")
    await waiting

    assert order == ["first out", "second in"]


async def test_a_dead_janitors_lease_runs_out(scene: Scene) -> None:
    assert await Leadership(scene.pool, 1, "dead").take()

    async with leading(scene.pool, lease_seconds=1, patience_seconds=10, holder="next") as leadership:
        assert await leadership.take()


async def test_a_janitor_that_lost_its_lease_stops(scene: Scene) -> None:
    key = await scene.upload(await scene.job("failed"))
    await scene.put(key)
    async with scene.resources(orphan_grace_seconds=0) as resources:
        await scene.owner.execute("UPDATE leases SET lease_token = gen_random_uuid(), lease_until = 'infinity'")
        resources.leadership._renewed_at -= 1

        with pytest.raises(LeaseLostError):
            await clear_uploads(resources)

    assert await scene.exists(key)
    assert await scene.count("leases", "lease_until = 'infinity'") == 1, "the other's lease was handed back"


async def test_keep_renews_only_when_a_third_is_used_up(scene: Scene) -> None:
    async with leading(scene.pool, lease_seconds=30, patience_seconds=0, holder="one") as leadership:
        before = await scene.owner.fetchval("SELECT lease_until FROM leases")
        await leadership.keep()
        assert await scene.owner.fetchval("SELECT lease_until FROM leases") == before
        leadership._renewed_at -= 10
        await leadership.keep()
        assert await scene.owner.fetchval("SELECT lease_until FROM leases") > before
