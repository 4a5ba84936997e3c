"""Workers come and go: rolling restarts and upgrades under load, a storm of rebalances, and the same bytes throughout."""

import asyncio
import time

import pytest

from local_stack.demo.people import ADA, BOB, CARA, DAN
from support.assertions import file_of
from support.exports import wait_until_ended
from support.faults.scene import REAL_LEASE, Scene, gone
from support.services import Service
from support.tickets import add_tickets

DRAIN_SECONDS = 4
PAGE_ROWS = "50000"
# The broker's clients and the database's connections are closed after the drain.
CLOSE_SECONDS = 12
NEW_VERSION = """
import ticket_export.views.compile as compiler
compiler.COMPILER_VERSION += 1
from export_worker.main import run
run()
"""


async def ask_many(scene: Scene, rounds: int) -> None:
    for _ in range(rounds):
        for person in (ADA, BOB, CARA, DAN):
            await scene.request("overdue", person.id)


async def test_a_rolling_restart_under_load_fails_nothing(scene: Scene) -> None:
    # Nobody dies here, so nothing may ever wait for a lease to run out.
    drain = {**REAL_LEASE, "DRAIN_SECONDS": str(DRAIN_SECONDS)}
    workers = await asyncio.gather(*(scene.worker(f"old-{number}", **drain) for number in range(3)))
    # One task outlasts the grace period, so it has to be handed back.
    scene.failpoints.arm("copy.part_saved.2", "wait")
    await scene.big()
    await scene.failpoints.wait("copy.part_saved.2")
    await ask_many(scene, 2)
    for number, old in enumerate(workers):
        await stop_in_time(old)
        await scene.worker(f"new-{number}", **drain)
        await ask_many(scene, 1)
    await scene.judge(seconds=120)
    # Handed back, not waited for: whatever an old worker left was due at once.
    async with scene.owner() as owner:
        assert await owner.fetchval("SELECT count(*) FROM faults.claims WHERE taken_over") == 0


async def stop_in_time(worker: Service) -> None:
    began = time.monotonic()
    assert await worker.stop(DRAIN_SECONDS + CLOSE_SECONDS) == 0
    assert time.monotonic() - began < DRAIN_SECONDS + CLOSE_SECONDS


async def test_another_version_takes_over_and_begins_a_file_of_its_own(scene: Scene) -> None:
    s3 = await scene.s3()
    old = await scene.worker("old")
    scene.failpoints.arm("copy.part_saved.2", "kill")
    requested = await scene.big()
    assert await gone(old) == -9
    abandoned = {key for key, _ in s3.stored}
    await scene.worker("new", entry=NEW_VERSION)
    await wait_until_ended(scene.installation, requested.id)
    key = (await file_of(scene.installation, requested.id))["object_key"]
    assert key not in abandoned
    parts = (await file_of(scene.installation, requested.id))["part_sizes"]
    assert {part for stored, part in s3.stored if stored == key} == set(range(1, len(parts) + 1))
    await scene.judge()


async def test_a_file_is_published_in_the_bucket_that_it_was_stored_in(scene: Scene) -> None:
    other = f"{scene.installation.bucket}-new"
    scene.installation.servers.object_store.create_bucket(other)
    old = await scene.worker("old")
    scene.failpoints.arm("finish.before_publish", "kill")
    await scene.request("open")
    assert await gone(old) == -9
    await scene.worker("new", S3_BUCKET=other)
    await scene.judge()


async def test_a_storm_of_rebalances_stops_nothing(scene: Scene) -> None:
    await scene.worker("steady")
    await scene.big()
    for number in range(4):
        passing = await scene.worker(f"passing-{number}")
        await ask_many(scene, 1)
        if number % 2:
            await passing.kill()
        else:
            assert await passing.stop() == 0
    await scene.judge(seconds=90)


@pytest.mark.timeout(240)
async def test_one_worker_three_and_a_crash_write_the_same_bytes(scene: Scene) -> None:
    """Enough rows for several copy tasks; every file must be byte for byte the same, digest and part sizes too."""
    await add_tickets(scene.installation, 350_000, title="t")
    one = await scene.worker("one", PAGE_ROWS=PAGE_ROWS)
    await ended(scene)
    await one.stop()
    others = await asyncio.gather(
        *(scene.worker(f"three-{number}", WORKER_SLOTS="1", PAGE_ROWS=PAGE_ROWS) for number in range(3))
    )
    await ended(scene)
    scene.failpoints.arm("copy.part_saved.1", "kill")
    await ended(scene)
    assert scene.failpoints.reached("copy.part_saved.1")
    files = [await file_of(scene.installation, requested.id) for requested in scene.requested]
    assert len({(file["digest"], *file["part_sizes"]) for file in files}) == 1
    assert sum(worker.process.returncode is None for worker in others) == 2
    async with scene.owner() as owner:
        shared = await owner.fetchval(
            "SELECT count(DISTINCT worker) FROM exports.tasks WHERE kind = 'copy' AND job_id = $1",
            scene.requested[1].id,
        )
    assert shared > 1, "the second was the work of several"
    contents = await scene.judge(seconds=90)
    assert len(set(contents)) == 1


async def ended(scene: Scene) -> None:
    requested = await scene.request("all")
    job = await wait_until_ended(scene.installation, requested.id, 90)
    assert job["status"] == "completed"
