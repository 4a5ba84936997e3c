"""A Kafka broker connection that may be down at any time without anybody noticing but the metrics.

``start`` returns at once and connects in the background; a publish that gets stuck throws the connection away and a
new one is made (a producer can hang or stop for good while the broker is away). Every call is bounded.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeAlias, cast

from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
from faststream.exceptions import FastStreamException
from faststream.kafka import KafkaBroker

from ticket_export.backoff import Backoff
from ticket_export.bus.client import STOP_SECONDS, build_broker
from ticket_export.bus.discard import discard
from ticket_export.bus.topics import missing_topics
from ticket_export.events import Message
from ticket_export.settings import KafkaSettings
from ticket_export.telemetry import get_logger

START_SECONDS = 20.0
# How long a connection that is being made may go on when everything stops.
CONNECT_SECONDS = 3.0

# What is wrong with a message or its topic. Any other failure is the connection's: a producer may never recover.
_VERDICTS = (
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

_Sending: TypeAlias = "asyncio.Future[object] | Exception"

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
        self._connecting: asyncio.Timeout | None = None
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
        """Stop subscribers and producer, within ``CONNECT_SECONDS + STOP_SECONDS`` and a moment, whatever the broker does."""
        self._stopping.set()
        if self._running is None:
            return
        if self._connecting is not None and not self._connecting.expired():
            # A client that is cancelled while it connects leaves its socket open: it gets a moment to finish first.
            self._connecting.reschedule(asyncio.get_running_loop().time() + CONNECT_SECONDS)
        await self._running

    async def publish(self, messages: Sequence[Message], *, timeout_seconds: float) -> list[Exception | None]:
        """Publish in this order; return for each message None or why it cannot be sent.

        Raises BrokerUnavailableError when nothing is known about any of them.
        """
        broker = self._broker
        if broker is None or self._broken.is_set():
            raise BrokerUnavailableError("not connected to Kafka")
        sending: list[_Sending] = []
        try:
            async with asyncio.timeout(timeout_seconds):
                for message in messages:
                    sending.append(await _enqueue(broker, message))  # noqa: PERF401 - what is sent is known if it fails
                outcomes = [await _outcome(item) for item in sending]
        except TimeoutError as error:
            self._give_up(broker, sending)
            raise BrokerUnavailableError("Kafka did not confirm in time") from error
        except FastStreamException as error:
            self._give_up(broker, sending)
            raise BrokerUnavailableError("the connection to Kafka was closed") from error
        if any(isinstance(outcome, KafkaError) and not isinstance(outcome, _VERDICTS) for outcome in outcomes):
            self._give_up(broker, [])
        return outcomes

    def _give_up(self, broker: KafkaBroker, sending: Sequence[_Sending]) -> None:
        """Have a new connection made, unless that has happened already."""
        if self._broker is broker:
            self._broken.set()
        for item in sending:
            if isinstance(item, asyncio.Future):
                item.add_done_callback(lambda future: future.cancelled() or future.exception())

    async def _keep_connected(self) -> None:
        backoff = Backoff(first_seconds=0.5, longest_seconds=5.0)
        while not self._stopping.is_set():
            broker = await self._connect()
            if broker is None:
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

    async def _connect(self) -> KafkaBroker | None:
        try:
            async with asyncio.timeout(START_SECONDS) as self._connecting:
                missing = await missing_topics(self._settings)
                if missing:
                    log.error("Topics are missing; run `ticket-export migrate`", action="kafka_topics", missing=missing)
                    return None
                return await self._new_broker()
        except Exception as error:  # noqa: BLE001 - whatever a client raises, the next attempt may do better
            log.warning("Kafka cannot be reached", action="kafka_connect", error=type(error).__name__)
            return None
        finally:
            self._connecting = None

    async def _new_broker(self) -> KafkaBroker:
        broker = build_broker(self._settings, client_id=self._client_id)
        if self._subscribe is not None:
            self._subscribe(broker)
        try:
            await broker.start()
        except BaseException:
            await _stop(broker)
            raise
        log.info("Connected to Kafka", action="kafka_connected")
        return broker


async def _first_of(*events: asyncio.Event, seconds: float | None = None) -> None:
    """Wait until one of the events is set, or the time is over."""
    waiting = {asyncio.ensure_future(event.wait()) for event in events}
    await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for waiter in waiting:
        waiter.cancel()


async def _stop(broker: KafkaBroker) -> None:
    """Stop in the orderly way, so that the group learns of it; give the clients up where that does not work."""
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await broker.stop()
    except Exception as error:  # noqa: BLE001 - FastStream collects its subscribers' errors in a group
        log.warning("Kafka client did not stop in time", action="kafka_stop", error=type(error).__name__)
    await discard(broker)


async def _enqueue(broker: KafkaBroker, message: Message) -> _Sending:
    try:
        return await broker.publish(
            message.body.encode() if isinstance(message.body, str) else message.body,
            topic=message.topic,
            key=message.key.encode(),
            headers=message.headers,
            no_confirm=True,
        )
    except (KafkaError, UnicodeEncodeError) as error:
        return cast("Exception", error)


async def _outcome(item: _Sending) -> Exception | None:
    if isinstance(item, Exception):
        return item
    try:
        await item
    except KafkaError as error:
        return cast("Exception", error)
    return None
