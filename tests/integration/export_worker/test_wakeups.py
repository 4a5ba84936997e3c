"""Kafka's side of a worker: wake-ups, dead letters, progress; and no Kafka at all."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from export_worker.main import Worker
from support.assertions import assert_exact
from support.exports import insert_job, wait_until_ended
from support.installation import Installation
from support.tickets import add_tickets
from support.workers import MEBIBYTE, worker
from ticket_export.events import ExportProgressed, ExportRequested, to_message
from ticket_export.jobs import Stage
from ticket_export.storage.object_store import ObjectStore, StoredPart
from ticket_export.topics import Topics

Sent = tuple[bytes, list[tuple[str, bytes | None]]]


@asynccontextmanager
async def consumer(installation: Installation, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    reader = AIOKafkaConsumer(
        topic,
        bootstrap_servers=installation.servers.kafka.address.bootstrap,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await reader.start()
    try:
        yield reader
    finally:
        await reader.stop()


async def send(installation: Installation, *messages: Sent) -> None:
    """Send to one partition, in order."""
    producer = AIOKafkaProducer(bootstrap_servers=installation.servers.kafka.address.bootstrap)
    await producer.start()
    try:
        topic = Topics(installation.topic_prefix).requests
        for body, headers in messages:
            await producer.send_and_wait(topic, body, key=b"k", partition=3, headers=headers)
    finally:
        await producer.stop()


async def connected(running: Worker) -> None:
    async with asyncio.timeout(30):
        while not running.kafka_connected:
            await asyncio.sleep(0.02)


def request_event(job_id: Any) -> Sent:
    event = ExportRequested(
        job_id=job_id,
        sequence=1,
        requester_id=uuid4(),
        view_id="all",
        requested_at=datetime.now(UTC),
        snapshot_mode="exact",
    )
    message = to_message(event, Topics())
    return str(message.body).encode(), [(name, value.encode()) for name, value in message.headers.items()]


async def test_a_wake_up_is_quicker_than_the_sweep(installation: Installation) -> None:
    async with worker(installation, sweep_seconds=600.0) as running:
        await connected(running)
        requested = await insert_job(installation, "open")
        await send(installation, request_event(requested.id))
        await assert_exact(installation, requested)


async def test_poison_goes_to_the_dead_letter_topic_and_the_partition_moves_on(installation: Installation) -> None:
    typed: list[tuple[str, bytes | None]] = [("ce_type", b"ticket-export.ExportRequested.v1")]
    poison: list[Sent] = [
        (b"{not json", typed),
        (b"\xff\xfe", typed),
        (b"123.4", typed),
        (b"{}", typed),
        (b"{}", [("ce_type", b"ticket-export.ExportRequested.v9")]),
        (b"{}", []),
        (b"{}", [("ce_type", b"\xff\xfe")]),
        (b"{}", [("ce_type", None)]),
        (b"x" * 950_000, typed),
    ]
    topics = Topics(installation.topic_prefix)
    async with worker(installation, sweep_seconds=600.0) as running:
        await connected(running)
        requested = await insert_job(installation, "open")
        await send(installation, *poison, request_event(requested.id))
        await assert_exact(installation, requested)
        async with consumer(installation, topics.dead_letters) as reader:
            letters = [await asyncio.wait_for(reader.getone(), 20) for _ in poison]
            again = await reader.getmany(timeout_ms=500)
    assert again == {}
    assert [letter.value for letter in letters[:-1]] == [body for body, _ in poison[:-1]]
    headers = [{name: value.decode() for name, value in letter.headers} for letter in letters]
    assert [header["dlq_offset"] for header in headers] == [str(n) for n in range(len(poison))]
    assert all(header["dlq_partition"] == "3" and header["dlq_reason"] for header in headers)
    assert headers[-1]["dlq_truncated"] == "true"
    assert running.dead_letters == len(poison)


async def test_buried_messages_are_not_buried_again_after_a_restart(installation: Installation) -> None:
    topics = Topics(installation.topic_prefix)
    for _ in range(2):
        async with worker(installation) as running:
            await connected(running)
            if _ == 0:
                await send(installation, (b"poison", []))
                async with asyncio.timeout(20):
                    while not running.dead_letters:
                        await asyncio.sleep(0.02)
            else:
                requested = await insert_job(installation, "open")
                await send(installation, request_event(requested.id))
                await wait_until_ended(installation, requested.id)
                assert running.dead_letters == 0
    async with consumer(installation, topics.dead_letters) as reader:
        await asyncio.wait_for(reader.getone(), 20)
        assert await reader.getmany(timeout_ms=500) == {}


def slow_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each part take its time, so that there is progress to be seen on a quick machine too."""
    original = ObjectStore.upload_part

    async def slowly(self: ObjectStore, *arguments: Any) -> StoredPart:
        await asyncio.sleep(0.4)
        return await original(self, *arguments)

    monkeypatch.setattr(ObjectStore, "upload_part", slowly)


async def test_progress_is_published_monotone_and_at_most_four_a_second(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow_store(monkeypatch)
    await add_tickets(installation, 20_000, title="p" * 1_500)
    topics = Topics(installation.topic_prefix)
    async with worker(installation, part_bytes=5 * MEBIBYTE, page_rows=2_000) as running:
        await connected(running)
        requested = await insert_job(installation, "all")
        await assert_exact(installation, requested)
    async with consumer(installation, topics.progress) as reader:
        batches = await reader.getmany(timeout_ms=3_000)
    records = [record for batch in batches.values() for record in batch]
    events = [ExportProgressed.model_validate_json(record.value) for record in records]
    assert events
    assert [event.sequence for event in events] == sorted({event.sequence for event in events})
    for before, after in itertools.pairwise(events):
        assert (before.rows_done, before.bytes_done) <= (after.rows_done, after.bytes_done)
    assert any(event.stage is Stage.EXPORTING and 0 < event.percent < 100 for event in events)
    times = [record.timestamp for record in records]
    assert all(later - earlier >= 200 for earlier, later in itertools.pairwise(times))


async def test_an_export_needs_no_kafka(installation: Installation) -> None:
    requested = await insert_job(installation, "all")
    async with worker(installation, kafka_bootstrap_servers="127.0.0.1:1") as running:
        await assert_exact(installation, requested)
        assert not running.kafka_connected
