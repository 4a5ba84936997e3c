"""A Kafka broker connection that may be down at any time without anybody noticing but the metrics.

``start`` returns at once and connects in the background; a publish that gets stuck throws the connection away and a
new one is made (a producer can hang or stop for good while the broker is away). Every call is bounded.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import cast

from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker

from ticket_export.backoff import Backoff
from ticket_export.bus.client import STOP_SECONDS, build_broker
from ticket_export.bus.topics import missing_topics
from ticket_export.events import Message
from ticket_export.settings import KafkaSettings
from ticket_export.telemetry import get_logger

START_SECONDS = 20.0
# How long a connection that is being made may go on when everything stops.
CONNECT_SECONDS = 3.0

log = get_logger(__name__)


class BrokerUnavailableError(Exception):
    """There is no connection, or the broker did not confirm in time; what was sent may have arrived."""


class ResilientBroker:
    """Keeps one FastStream broker running."""

    def __init__(self, settings: KafkaSettings, *, client_id: str) -> None:
        self._settings = settings
        self._client_id = client_id
        self._subscribe: Callable[[KafkaBroker], None] | None = None
        self._broker: KafkaBroker | None = None
        self._broken = asyncio.Event()
        self._stopping = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        """Whether messages can be published now, as far as is known."""
        return self._broker is not None and not self._broken.is_set()

    def subscribe_with(self, subscribe: Callable[[KafkaBroker], None]) -> None:
        """Say how subscribers are registered on each new connection; to be called before ``start``."""
        self._subscribe = subscribe

    async def start(self) -> None:
        """Begin to connect; return without waiting."""
        self._running = asyncio.create_task(self._keep_connected(), name="kafka-connection")

    async def stop(self) -> None:
        """Stop subscribers and producer, within ``STOP_SECONDS``, whatever state the broker is in."""
        self._stopping.set()
        if self._running is None:
            return
        # A client that is cancelled while it connects leaves its socket open: it gets a moment to finish first.
        _, unfinished = await asyncio.wait({self._running}, timeout=CONNECT_SECONDS + STOP_SECONDS)
        for task in unfinished:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def publish(self, messages: Sequence[Message], *, timeout_seconds: float) -> list[Exception | None]:
        """Publish in this order; return for each message None or why it cannot be sent.

        Raises BrokerUnavailableError when nothing is known about any of them.
        """
        broker = self._broker
        if broker is None or self._broken.is_set():
            raise BrokerUnavailableError("not connected to Kafka")
        try:
            async with asyncio.timeout(timeout_seconds):
                sending = [await _enqueue(broker, message) for message in messages]
                return [await _outcome(item) for item in sending]
        except TimeoutError as error:
            self._broken.set()
            raise BrokerUnavailableError("Kafka did not confirm in time") from error

    async def _keep_connected(self) -> None:
        backoff = Backoff(first_seconds=0.5, longest_seconds=5.0)
        while not self._stopping.is_set():
            broker = build_broker(self._settings, client_id=self._client_id)
            if self._subscribe is not None:
                self._subscribe(broker)
            if not await self._started(broker):
                await _first_of(self._stopping, seconds=backoff.next_seconds())
                continue
            backoff.reset()
            self._broken.clear()
            self._broker = broker
            await _first_of(self._broken, self._stopping)
            if self._broken.is_set():
                log.warning("Kafka connection is stuck; making a new one", action="kafka_reconnect")
            self._broker = None
            await _stop(broker)

    async def _started(self, broker: KafkaBroker) -> bool:
        try:
            async with asyncio.timeout(START_SECONDS):
                missing = await missing_topics(self._settings)
                if missing:
                    log.error("Topics are missing; run `ticket-export migrate`", action="kafka_topics", missing=missing)
                    return False
                await broker.start()
        except (KafkaError, TimeoutError, OSError) as error:
            log.warning("Kafka cannot be reached", action="kafka_connect", error=type(error).__name__)
            await _stop(broker)
            return False
        except BaseException:
            await _stop(broker)
            raise
        log.info("Connected to Kafka", action="kafka_connected")
        return True


async def _first_of(*events: asyncio.Event, seconds: float | None = None) -> None:
    """Wait until one of the events is set, or the time is over."""
    waiting = {asyncio.ensure_future(event.wait()) for event in events}
    await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for waiter in waiting:
        waiter.cancel()


async def _stop(broker: KafkaBroker) -> None:
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await broker.stop()
    except (KafkaError, TimeoutError, OSError) as error:
        log.warning("Kafka client did not stop in time", action="kafka_stop", error=type(error).__name__)


async def _enqueue(broker: KafkaBroker, message: Message) -> "asyncio.Future[object] | Exception":
    try:
        return await broker.publish(
            message.body.encode() if isinstance(message.body, str) else message.body,
            topic=message.topic,
            key=message.key.encode(),
            headers=message.headers,
            no_confirm=True,
        )
    except KafkaError as error:
        return cast("Exception", error)


async def _outcome(item: "asyncio.Future[object] | Exception") -> Exception | None:
    if isinstance(item, Exception):
        return item
    try:
        await item
    except KafkaError as error:
        return cast("Exception", error)
    return None
