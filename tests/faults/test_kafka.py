"""Kafka is killed, refuses, or stands still: nothing is lost, nobody waits for it, and stopping stays bounded."""

import asyncio
import time

import pytest

from support.faults.kafka import records
from support.faults.load import ask, caller
from support.faults.scene import Scene, gone
from support.faults.servers import ProxiedKafka
from support.faults.tcp_proxy import TcpProxy
from ticket_export.topics import Topics

# A stop may wait for the broker's connection and client, then for what is under way.
LONGEST_STOP_SECONDS = 25


async def outbox_drained(scene: Scene, seconds: float = 60) -> None:
    connection = await scene.installation.connect()
    try:
        async with asyncio.timeout(seconds):
            while await connection.fetchval("SELECT count(*) FROM exports.outbox"):
                await asyncio.sleep(0.05)
    finally:
        await connection.close()


async def ends_told(scene: Scene) -> None:
    """Every job's end was told to subscribers."""
    events = await records(scene, Topics(scene.installation.topic_prefix).events)
    completed = {event.key.decode() for event in events if b"ExportCompleted" in dict(event.headers)["ce_type"]}
    assert completed == {str(requested.id) for requested in scene.requested}


async def test_a_broker_that_is_killed_and_comes_back(scene: Scene) -> None:
    kafka = scene.installation.servers.kafka
    api = await scene.api()
    worker = await scene.worker("one")
    async with caller(scene, api) as calling:
        await ask(scene, calling)
        await asyncio.to_thread(kafka.kill)
        await ask(scene, calling, "overdue")
        await asyncio.to_thread(kafka.start)
        await ask(scene, calling)
    await outbox_drained(scene)
    assert worker.process.returncode is None
    await scene.judge()


async def through_proxy(scene: Scene) -> tuple[TcpProxy, dict[str, str]]:
    kafka = scene.installation.servers.kafka
    assert isinstance(kafka, ProxiedKafka)
    proxy = await scene.tcp(kafka.behind_proxy_port, kafka.proxy_port)
    return proxy, {"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{proxy.port}"}


@pytest.mark.parametrize("how", ["stall", "refuse"])
async def test_a_broker_out_of_reach_delays_nobody(scene: Scene, how: str) -> None:
    proxy, env = await through_proxy(scene)
    api = await scene.api(**env)
    worker = await scene.worker("one", **env)
    async with caller(scene, api) as calling:
        await ask(scene, calling)
        await outbox_drained(scene)
        if how == "stall":
            proxy.stall()
        else:
            await proxy.refuse()
        for _ in range(3):
            began = time.monotonic()
            await ask(scene, calling, "overdue")
            assert time.monotonic() - began < 10
        for requested in scene.requested:
            assert (await calling.ended(str(requested.id)))["status"] == "completed"
        for service in (worker, api):
            began = time.monotonic()
            assert await service.stop(LONGEST_STOP_SECONDS) == 0
    connection = await scene.installation.connect()
    assert await connection.fetchval("SELECT count(*) FROM exports.outbox") > 0
    await connection.close()
    if how == "stall":
        proxy.forward()
    else:
        await proxy.open()
    await scene.api(**env)
    await outbox_drained(scene)
    await ends_told(scene)
    await scene.judge()


async def test_a_relay_that_dies_after_sending_tells_twice_and_runs_once(scene: Scene) -> None:
    first = await scene.api()
    scene.failpoints.arm("relay.sent", "kill")
    async with caller(scene, first) as calling:
        await ask(scene, calling)
    assert await gone(first) == -9
    await scene.api()
    await outbox_drained(scene)
    await scene.worker("one")
    await scene.judge()
    topics = Topics(scene.installation.topic_prefix)
    told = [dict(record.headers)["ce_id"] for record in await records(scene, topics.requests)]
    assert len(told) > len(set(told)), "the event is there twice"
    connection = await scene.installation.connect()
    kinds = await connection.fetch("SELECT kind FROM faults.claims ORDER BY at")
    await connection.close()
    assert [row["kind"] for row in kinds] == ["plan"], "one run: the other tasks are leased as they are made"
