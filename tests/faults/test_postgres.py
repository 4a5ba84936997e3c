"""PostgreSQL is restarted, cut off, or stands still."""

import asyncio
import signal
from itertools import islice
from typing import Any

import aiohttp
import pytest

from local_stack.servers import Server
from support.exports import wait_until_ended
from support.faults.load import ask, caller, note
from support.faults.scene import MEBIBYTE, Scene
from support.rest import Client
from support.services import Service

# Runs inside the commit of a new job: time enough to take the caller's connection away.
SLOW_COMMIT = """
CREATE FUNCTION faults.dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(1.5); RETURN NULL; END';
CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON exports.jobs DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION faults.dawdle();
"""


def stop_at_once(postgres: Server) -> None:
    """pg_ctl stop -m immediate: no checkpoint, recovery at the next start."""
    assert postgres._child is not None
    postgres._child.send(signal.SIGQUIT)
    postgres.wait()


async def status_of_request(calling: Client, **headers: str) -> int:
    body = {"view_id": "open"}
    timeout = aiohttp.ClientTimeout(total=30)
    async with calling.http.post(
        f"{calling.url}/api/v1/exports", json=body, headers=headers, timeout=timeout
    ) as answer:
        return answer.status


async def logged(service: Service, text: str, seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while text not in await asyncio.to_thread(service.log.read_text):
            await asyncio.sleep(0.05)


async def test_an_immediate_restart_in_the_middle_of_everything(scene: Scene) -> None:
    postgres = scene.installation.servers.postgres
    api = await scene.api()
    await scene.worker("one")
    scene.failpoints.arm("copy.part_saved.2", "wait")
    await scene.big()
    await scene.failpoints.wait("copy.part_saved.2")
    async with caller(scene, api) as calling:
        await asyncio.to_thread(stop_at_once, postgres)
        assert await status_of_request(calling) == 503
        scene.failpoints.release("copy.part_saved.2")
        await asyncio.to_thread(postgres.start)
        async with asyncio.timeout(30):
            while (await calling.http.get(f"{api.url}/readyz")).status != 200:
                await asyncio.sleep(0.1)
        await ask(scene, calling, "overdue")
    await scene.judge()


async def test_a_commit_whose_answer_is_lost_is_settled_by_the_idempotency_key(scene: Scene) -> None:
    proxy = await scene.tcp(scene.installation.servers.postgres.port)
    api = await scene.api(DATABASE_URL=scene.through(proxy, scene.installation.app_url))
    owner = await scene.installation.connect()
    await owner.execute(SLOW_COMMIT)
    async with caller(scene, api) as calling:
        key = {"Idempotency-Key": "the-same"}
        first = asyncio.create_task(status_of_request(calling, **key))
        async with asyncio.timeout(20):
            while not await owner.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"
            ):
                await asyncio.sleep(0.01)
        proxy.cut()
        assert await first == 503
        async with asyncio.timeout(20):
            while not await owner.fetchval("SELECT count(*) FROM exports.jobs"):
                await asyncio.sleep(0.05)
        await owner.execute("DROP TRIGGER dawdle ON exports.jobs")
        body = {"view_id": "open"}
        async with calling.http.post(f"{calling.url}/api/v1/exports", json=body, headers=key) as answer:
            assert answer.status in {200, 202}, await answer.text()
            await note(scene, await answer.json(), "open")
    await owner.close()
    await scene.worker("one")
    await scene.judge()


@pytest.mark.parametrize("how", ["cut", "terminate"])
async def test_a_page_that_was_cut_is_read_again(scene: Scene, how: str) -> None:
    proxy = await scene.tcp(scene.installation.servers.postgres.port)
    await scene.worker("one", SOURCE_DATABASE_URL=scene.through(proxy, scene.installation.source_reader_url))
    if how == "cut":
        proxy.cut_after(MEBIBYTE)
    else:
        scene.failpoints.arm("copy.part_stored.1", "wait")
    await scene.big()
    if how == "terminate":
        await scene.failpoints.wait("copy.part_stored.1")
        owner = await scene.installation.connect()
        assert await owner.fetchval(
            "SELECT bool_or(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'COPY%' AND pid <> pg_backend_pid()"
        )
        await owner.close()
        scene.failpoints.release("copy.part_stored.1")
    await scene.judge()
    assert proxy.cuts == (how == "cut")


@pytest.mark.parametrize("how", ["stall", "half_open"])
async def test_a_worker_that_hears_nothing_lets_go_of_its_lease(scene: Scene, how: str) -> None:
    proxy = await scene.tcp(scene.installation.servers.postgres.port)
    s3 = await scene.s3()
    deaf = await scene.worker("deaf", DATABASE_URL=scene.through(proxy, scene.installation.app_url))
    # Its statement that writes the third part down is on the way when nothing arrives any more.
    scene.failpoints.arm("copy.part_stored.3", "wait")
    requested = await scene.big()
    await scene.failpoints.wait("copy.part_stored.3")
    if how == "stall":
        proxy.stall()
    else:
        proxy.half_open()
    scene.failpoints.release("copy.part_stored.3")
    await logged(deaf, "lease_lost")
    await scene.worker("rival")
    await wait_until_ended(scene.installation, requested.id)
    proxy.forward()
    await answers_again(scene, deaf)
    await scene.judge()
    assert len({key for key, _ in s3.stored}) == 1


async def answers_again(scene: Scene, service: Service) -> None:
    """What was held back has reached the server before the worker's own question, and has been carried out."""
    async with aiohttp.ClientSession() as http, asyncio.timeout(30), scene.owner() as owner:
        while (await http.get(f"{service.url}/readyz")).status != 200:
            await asyncio.sleep(0.1)
        while await owner.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND state = 'active'"
        ):
            await asyncio.sleep(0.05)


async def test_a_pool_that_is_used_up_costs_no_lease_and_hangs_nobody(scene: Scene) -> None:
    api = await scene.api(DATABASE_POOL_SIZE="2")
    await scene.worker("one")
    scene.failpoints.arm("copy.part_saved.2", "wait")
    requested = await scene.big()
    await scene.failpoints.wait("copy.part_saved.2")
    async with caller(scene, api) as calling, scene.owner() as holder, scene.owner() as owner:
        async with holder.transaction():
            # Whoever needs a job's row keeps its connection and waits; the leases are in another table.
            await holder.execute("LOCK TABLE exports.jobs IN ACCESS EXCLUSIVE MODE")
            asking = [asyncio.create_task(request_overdue(calling)) for _ in range(5)]
            until = await owner.fetchval("SELECT clock_timestamp() + interval '4 s'")
            while await owner.fetchval("SELECT clock_timestamp()") < until:
                held = await owner.fetchval(
                    "SELECT count(*) FROM exports.tasks WHERE status = 'leased' AND lease_until > clock_timestamp()"
                )
                assert held == 1, "the lease ran out although its worker is well"
                await asyncio.sleep(0.2)
            refused = [await answer for answer in islice(asyncio.as_completed(asking, timeout=20), 3)]
        assert [status for status, _ in refused] == [503] * 3
        # The two that had a connection were only slow.
        accepted = [job for status, job in await asyncio.gather(*asking) if status == 202]
        for job in accepted:
            await note(scene, job, "overdue")
        assert len(accepted) == 2
        assert await owner.fetchval("SELECT count(*) FROM faults.claims WHERE job_id = $1", requested.id) == 1
    scene.failpoints.release("copy.part_saved.2")
    await scene.judge()


async def request_overdue(calling: Client) -> tuple[int, dict[str, Any]]:
    path = f"{calling.url}/api/v1/exports"
    async with calling.http.post(path, json={"view_id": "overdue"}) as answer:
        return answer.status, await answer.json(content_type=None)
