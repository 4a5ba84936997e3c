"""An export that takes more memory than a worker has fails, and no other does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from local_stack.demo.people import ADA, BOB, CARA
from support.exports import wait_until_ended
from support.faults.scene import Scene
from support.services import Service

# Enough for the worker at its work, far too little for a line of the greedy view.
LIMITED = """
import resource
from export_worker import main
with open("/proc/self/statm") as sizes:
    used = int(sizes.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 450 * 2**20, used + 450 * 2**20))
main.run()
"""
# A process that gasps for memory stands still for seconds.
LEASE = {"LEASE_SECONDS": "8", "LEASE_RENEWAL_SECONDS": "1", "WORKER_SLOTS": "1"}
GREEDY_CHARACTERS = 250_000_000


@asynccontextmanager
async def supervised(scene: Scene, names: tuple[str, ...]) -> AsyncIterator[list[Service]]:
    """Start a worker again whenever it dies, as Kubernetes would."""
    started: list[Service] = []

    async def keep(name: str) -> None:
        life = 0
        while True:
            life += 1
            with suppress(AssertionError):
                service = await scene.worker(f"{name}-{life}", entry=LIMITED, **LEASE)
                started.append(service)
                await service.process.wait()

    tasks = [asyncio.create_task(keep(name)) for name in names]
    try:
        yield started
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_an_export_that_exhausts_memory_fails_alone(scene: Scene) -> None:
    async with scene.owner() as owner:
        await owner.execute(
            "INSERT INTO helpdesk.tickets (id, title, status, priority, creation_time)"
            " VALUES (60000000, repeat('x', $1), 'new', 'moderate', timestamptz '2019-01-01 00:00:00Z')",
            GREEDY_CHARACTERS,
        )
    greedy = await scene.request("all", ADA.id)
    async with supervised(scene, ("one", "two")):
        for person in (BOB, CARA, BOB, CARA):
            await scene.request("overdue", person.id)
        job = await wait_until_ended(scene.installation, greedy.id, 120)
        assert job["status"] == "failed"
        scene.must_fail(greedy, job["error_code"])
        assert job["error_code"] in {"attempts_exhausted", "out_of_memory"}
        await scene.request("overdue", ADA.id)
        await scene.judge(seconds=90)
