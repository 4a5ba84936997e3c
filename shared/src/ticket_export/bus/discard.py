"""Gives a broker's clients up: ends their tasks and closes their sockets without a word to Kafka.

FastStream 0.7 and aiokafka 0.14 can only stop by talking to the broker. Cut short, they leave tasks behind that try to
connect for ever, and that send what they still hold once the broker is back. There is no public way out: what is
private here is pinned, and tests/contract/test_kafka.py shows that nothing is left.
"""
# ruff: noqa: SLF001

import asyncio
from collections.abc import Iterator
from typing import Any

from aiokafka.errors import ProducerClosed
from faststream.kafka import KafkaBroker

ROUNDS = 5
ROUND_SECONDS = 0.2

_Tasks = Iterator["asyncio.Task[Any] | None"]


async def discard(broker: KafkaBroker) -> None:
    """End whatever the broker has begun, within about a second."""
    config: Any = broker.config.broker_config
    subscribers: list[Any] = list(broker.subscribers)
    consumers = [subscriber.consumer for subscriber in subscribers if subscriber.consumer is not None]
    producers = [config.producer._producer.producer] if config.producer else []
    admins = [config.admin.admin_client] if config.admin.admin_client is not None else []
    handling = (task for subscriber in subscribers for task in subscriber.tasks)
    sending = (producer._sender.sender_task for producer in producers)
    await _end({*handling, *sending, *(task for consumer in consumers for task in _consuming(consumer))})
    for producer in producers:
        producer._message_accumulator.fail_all(ProducerClosed())
    for client in (*consumers, *producers):
        # So that nobody waits for it again, and it does not complain that nobody has.
        client._closed = True
    for client in (*(c._client for c in (*consumers, *admins)), *(producer.client for producer in producers)):
        await _close(client)


def _consuming(consumer: Any) -> _Tasks:
    if (coordinator := consumer._coordinator) is not None:
        for name in ("_coordination_task", "_heartbeat_task", "_commit_refresh_task", "_reset_committed_task"):
            yield getattr(coordinator, name, None)
    if (fetcher := consumer._fetcher) is not None:
        yield fetcher._fetch_task
        yield from fetcher._pending_tasks


async def _close(client: Any) -> None:
    for connection in client._conns.values():
        if connection._writer is not None:
            # close() would wait until a peer that stands still has read what is on its way.
            connection._writer.transport.abort()
    await client.close()


async def _end(tasks: "set[asyncio.Task[Any] | None]") -> None:
    """Cancel until they have ended: some wait for their own children first."""
    pending = {task for task in tasks if task is not None and not task.done()}
    for _ in range(ROUNDS):
        if not pending:
            return
        for task in pending:
            task.cancel()
        done, pending = await asyncio.wait(pending, timeout=ROUND_SECONDS)
        for task in done:
            if not task.cancelled():
                task.exception()
