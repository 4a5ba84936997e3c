"""A worker dies by SIGKILL at every step of an export: taken over within lease and sweep, one result, no part twice."""

import asyncio
from signal import SIGKILL

import pytest

from support.exports import Requested
from support.faults.scene import REAL_LEASE, Scene, gone

# Where a worker of a multipart export may die, in the order of the story.
MULTIPART = [
    "claim.locked",
    "claim.done",
    "plan.upload_created",
    "plan.made",
    "copy.part_stored.2",
    "copy.part_saved.3",
    "copy.done",
    "finish.before_complete",
    "finish.completed",
    "finish.before_publish",
    "finish.published",
]
# What is different with one PUT.
SINGLE = ["copy.put", "finish.before_publish", "finish.published"]


@pytest.mark.parametrize("place", MULTIPART)
async def test_a_multipart_export_survives_a_kill(scene: Scene, place: str) -> None:
    s3 = await scene.s3()
    victim = await scene.worker("victim")
    scene.failpoints.arm(place, "kill")
    requested = await scene.big()
    assert await gone(victim) == -SIGKILL
    saved = await _saved_parts(scene, requested)
    before = dict(s3.stored)
    await scene.worker("heir")
    await scene.judge()
    # Of a plan that was never stored there is nothing to go on from; everything later goes on with the same upload.
    assert len({key for key, _ in s3.stored}) == 1
    again = {part for (key, part), times in s3.stored.items() if times > before.get((key, part), 0)}
    assert not again & saved, "a part that was written down was uploaded again"


async def _saved_parts(scene: Scene, requested: Requested) -> set[int]:
    connection = await scene.installation.connect()
    try:
        rows = await connection.fetch(
            "SELECT (part ->> 'number')::int AS number FROM exports.tasks,"
            " jsonb_array_elements(checkpoint -> 'parts') AS part WHERE job_id = $1 AND kind = 'copy'",
            requested.id,
        )
        return {row["number"] for row in rows}
    finally:
        await connection.close()


async def test_a_kill_in_the_middle_of_a_page(scene: Scene) -> None:
    s3 = await scene.s3()
    victim = await scene.worker("victim")
    scene.failpoints.arm("copy.mid_page.5", "wait")
    requested = await scene.big()
    await scene.failpoints.wait("copy.mid_page.5")
    async with asyncio.timeout(30):
        while not (saved := await _saved_parts(scene, requested)):
            await asyncio.sleep(0.05)
    await victim.kill()
    await scene.worker("heir")
    await scene.judge()
    assert all(times == 1 for (_, part), times in s3.stored.items() if part in saved)


@pytest.mark.parametrize("place", SINGLE)
async def test_a_small_export_survives_a_kill(scene: Scene, place: str) -> None:
    victim = await scene.worker("victim")
    scene.failpoints.arm(place, "kill")
    await scene.request("open")
    assert await gone(victim) == -SIGKILL
    await scene.worker("heir")
    await scene.judge()


async def test_with_the_real_lease_it_is_taken_over_within_lease_and_sweep(scene: Scene) -> None:
    real = {**REAL_LEASE, "SWEEP_SECONDS": "1"}
    victim = await scene.worker("victim", **real)
    scene.failpoints.arm("copy.part_saved.2", "kill")
    requested = await scene.big()
    assert await gone(victim) == -SIGKILL
    await scene.worker("heir", **real)
    await scene.judge(seconds=90)
    connection = await scene.installation.connect()
    idle = await connection.fetchval(
        "SELECT extract(epoch FROM max(at) FILTER (WHERE worker = 'heir' AND kind = 'copy')"
        " - max(at) FILTER (WHERE worker = 'victim'))::float8 FROM faults.claims WHERE job_id = $1",
        requested.id,
    )
    await connection.close()
    # Lease and sweep, and what the victim had worked before it died; the database's clock, not ours.
    assert 14 < idle < 15 + 1 + 10
