"""What a topic holds."""

import asyncio

from aiokafka import AIOKafkaConsumer, ConsumerRecord

from support.faults.scene import Scene


async def records(scene: Scene, topic: str) -> list[ConsumerRecord]:
    """Return everything in a topic, read beside all groups."""
    reader = AIOKafkaConsumer(
        topic,
        bootstrap_servers=scene.installation.servers.kafka.address.bootstrap,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await reader.start()
    try:
        ends = await reader.end_offsets(reader.assignment())
        found: list[ConsumerRecord] = []
        async with asyncio.timeout(30):
            while any([await reader.position(partition) < end for partition, end in ends.items()]):
                for batch in (await reader.getmany(timeout_ms=500)).values():
                    found += batch
        return found
    finally:
        await reader.stop()
