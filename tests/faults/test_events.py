"""Messages that come twice, in another order, too late, or that nobody can read: a wake-up only ever means "look now"."""

import asyncio
import random
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from support.faults.kafka import records
from support.faults.load import ask, caller
from support.faults.scene import Scene, gone
from ticket_export.topics import Topics

SEED = 5
PARTITIONS = 12


def topics_of(scene: Scene) -> Topics:
    return Topics(scene.installation.topic_prefix)


async def send(scene: Scene, *messages: tuple[bytes, list[tuple[str, bytes]]]) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=scene.installation.servers.kafka.address.bootstrap, max_request_size=2 * 1024 * 1024
    )
    await producer.start()
    try:
        for body, headers in messages:
            await producer.send_and_wait(topics_of(scene).requests, body, key=b"k", partition=0, headers=headers)
    finally:
        await producer.stop()


async def all_read(scene: Scene) -> None:
    """The workers' group has committed every offset of the requests topic."""
    reader = AIOKafkaConsumer(
        bootstrap_servers=scene.installation.servers.kafka.address.bootstrap,
        group_id=f"{scene.installation.topic_prefix}ticket-export-workers",
        enable_auto_commit=False,
    )
    await reader.start()
    try:
        topic = topics_of(scene).requests
        async with asyncio.timeout(40):
            partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
            ends = await reader.end_offsets(partitions)
            for partition, end in ends.items():
                while end and (await reader.committed(partition) or 0) < end:
                    await asyncio.sleep(0.1)
    finally:
        await reader.stop()


async def claims(scene: Scene) -> int:
    connection = await scene.installation.connect()
    try:
        return int(await connection.fetchval("SELECT count(*) FROM faults.claims"))
    finally:
        await connection.close()


async def test_repeated_reordered_and_stale_events_change_nothing(scene: Scene) -> None:
    api = await scene.api()
    await scene.worker("one")
    async with caller(scene, api) as calling:
        for view in ("open", "overdue", "open"):
            requested = await ask(scene, calling, view)
            await calling.ended(str(requested.id))
    before = await claims(scene)
    told = await records(scene, topics_of(scene).requests)
    assert len(told) >= 3
    stale = [
        (record.value.replace(str(scene.requested[0].id).encode(), str(uuid4()).encode()), record) for record in told
    ]
    again = [(body, list(record.headers)) for body, record in stale]
    again += 2 * [(record.value, list(record.headers)) for record in reversed(told)]
    random.Random(SEED).shuffle(again)  # noqa: S311 - the same each time
    await send(scene, *again)
    await all_read(scene)
    assert await claims(scene) == before
    await scene.judge()


async def test_poison_is_buried_once_and_the_partition_goes_on(scene: Scene) -> None:
    typed = [("ce_type", b"ticket-export.ExportRequested.v1")]
    poison = [
        (b"{not json", typed),
        (b"{}", [("ce_type", b"ticket-export.ExportRequested.v9")]),
        (b"x" * 950_000, typed),
    ]
    first = await scene.worker("one", SWEEP_SECONDS="600")
    await send(scene, *poison)
    await all_read(scene)
    await first.kill()
    api = await scene.api()
    await scene.worker("two")
    async with caller(scene, api) as calling:
        requested = await ask(scene, calling)
        await calling.ended(str(requested.id))
    await all_read(scene)
    letters = await records(scene, topics_of(scene).dead_letters)
    places = [dict(letter.headers)["dlq_offset"] for letter in letters]
    assert sorted(places) == [b"0", b"1", b"2"]
    await scene.judge()


@pytest.mark.parametrize("poisoned", [False, True])
async def test_a_worker_that_dies_before_its_offset_is_committed(scene: Scene, poisoned: bool) -> None:
    victim = await scene.worker("victim")
    scene.failpoints.arm("wakeups.before_ack", "kill")
    if poisoned:
        await send(scene, (b"{not json", []))
    else:
        api = await scene.api()
        async with caller(scene, api) as calling:
            await ask(scene, calling)
    assert await gone(victim) == -9
    await scene.worker("heir")
    await all_read(scene)
    await scene.judge()
    letters = await records(scene, topics_of(scene).dead_letters)
    # A death between burial and commit buries again, at the same origin: that is what "once" means there.
    assert {dict(letter.headers)["dlq_offset"] for letter in letters} == ({b"0"} if poisoned else set())
