"""Sends what lies in the dead-letter topic back to where it came from, once the fleet understands it.

A letter is confirmed by its old topic before it counts as read, so a run that is cut off sends at most one again: a
wake-up too many. One that still cannot be understood comes back behind the end at which this run stops.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from export_ops.errors import OpsError
from ticket_export.bus.client import build_consumer, build_producer
from ticket_export.settings import KafkaSettings
from ticket_export.topics import Topics

GROUP = "ticket-export-redrive"
DEAD_LETTER_HEADER = "dlq_"
CALL_SECONDS = 20.0


@dataclass(slots=True)
class Redriven:
    """How many letters went back, and how many could not."""

    sent: int = 0
    kept: int = 0


async def redrive(settings: KafkaSettings, report: Callable[[str], None]) -> Redriven:
    """Send back every letter that lies there now and was not sent back before; raise OpsError."""
    topics = Topics(settings.topic_prefix)
    consumer = build_consumer(settings, topics.dead_letters, group=f"{topics.prefix}{GROUP}")
    producer = build_producer(settings)
    try:
        await asyncio.wait_for(consumer.start(), CALL_SECONDS)
        await asyncio.wait_for(producer.start(), CALL_SECONDS)
        return await _send_back(consumer, producer, topics, report)
    except (KafkaError, OSError, TimeoutError) as error:
        raise OpsError(f"KAFKA_BOOTSTRAP_SERVERS: {error or 'no answer in time'}") from error
    finally:
        await producer.stop()
        await consumer.stop()


async def _send_back(
    consumer: AIOKafkaConsumer, producer: AIOKafkaProducer, topics: Topics, report: Callable[[str], None]
) -> Redriven:
    done = Redriven()
    async with asyncio.timeout(CALL_SECONDS):
        while not (partitions := consumer.assignment()):
            await consumer.getmany(timeout_ms=100)
        ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
    for partition, end in ends.items():
        while await consumer.position(partition) < end:
            found = await consumer.getmany(partition, timeout_ms=1_000, max_records=1)
            for record in found.get(partition, ()):
                if record.offset < end:
                    await _one(record, producer, topics, report, done)
                    await consumer.commit({partition: record.offset + 1})
    return done


async def _one(
    record: ConsumerRecord, producer: AIOKafkaProducer, topics: Topics, report: Callable[[str], None], done: Redriven
) -> None:
    headers = {name: (value or b"").decode("utf-8", "replace") for name, value in record.headers}
    where = f"{headers.get('dlq_topic')}/{headers.get('dlq_partition')}/{headers.get('dlq_offset')}"
    if headers.get("dlq_topic") != topics.requests or headers.get("dlq_truncated") != "false":
        done.kept += 1
        report(f"{where}: kept, since it is not whole or not from {topics.requests}")
        return
    back = [(name, value or b"") for name, value in record.headers if not name.startswith(DEAD_LETTER_HEADER)]
    async with asyncio.timeout(CALL_SECONDS):
        await producer.send_and_wait(topics.requests, record.value, key=record.key, headers=back)
    done.sent += 1
    report(f"{where}: sent back ({headers.get('dlq_reason')})")
