"""One worker's clock is an hour off: leases go by the database's clock, and the log says what S3 has against it."""

import asyncio
from pathlib import Path

import pytest

from support.faults.scene import Scene
from support.services import Service


def environment(offset: str) -> dict[str, str]:
    """What puts a process into another hour: its wall clock only, as a wrong clock does."""
    for library in sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")):
        return {"LD_PRELOAD": str(library), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    pytest.skip("libfaketime is missing: apt-get install faketime")


async def logged(service: Service, text: str, seconds: float = 40) -> None:
    async with asyncio.timeout(seconds):
        while text not in await asyncio.to_thread(service.log.read_text):
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("offset", ["+1h", "-1h"])
async def test_a_worker_in_another_hour_holds_its_lease_and_says_why_s3_refuses(scene: Scene, offset: str) -> None:
    skewed = await scene.worker("skewed", **environment(offset))
    scene.failpoints.arm("copy.put", "wait")
    scene.failpoints.arm("plan.made", "wait")
    requested = await scene.request("open")
    await scene.failpoints.wait("plan.made")
    owner = await scene.installation.connect()
    # Longer than a lease: renewed by the database's clock, whatever the worker's says.
    renewed = await owner.fetchval("SELECT clock_timestamp() + interval '3 s'")
    while await owner.fetchval("SELECT clock_timestamp()") < renewed:
        left = await owner.fetchval(
            "SELECT extract(epoch FROM lease_until - clock_timestamp())::float8 FROM exports.tasks"
            " WHERE job_id = $1 AND status = 'leased'",
            requested.id,
        )
        assert 0 < left <= 2
        await asyncio.sleep(0.2)
    assert await owner.fetchval("SELECT count(*) FROM faults.claims") == 1
    await owner.close()
    scene.failpoints.release("plan.made")
    await logged(skewed, "clock differs from S3's")
    assert await skewed.stop() == 0
    await scene.worker("right")
    await scene.failpoints.wait("copy.put")
    scene.failpoints.release("copy.put")
    await scene.judge()
