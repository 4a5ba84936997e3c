"""The requests topic: a message means "look now"; one that cannot be understood goes to the dead-letter topic.

FastStream's ``ack()`` commits every position, un-acked ones too: so a dead letter is confirmed *before* the next
message is touched. "Once" there means once per topic, partition and offset, which are in its headers.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from aiokafka import ConsumerRecord
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage

from ticket_export.bus.broker import BrokerUnavailableError, ResilientBroker
from ticket_export.events import Message, UnreadableMessageError, parse_request_event
from ticket_export.failpoints import failpoint
from ticket_export.telemetry import get_logger
from ticket_export.topics import Topics

GROUP = "ticket-export-workers"
# Kafka's own default limit of a message is 1 MiB with headers.
LONGEST_DEAD_LETTER_BYTES = 900_000
PUBLISH_SECONDS = 10.0
RETRY_SECONDS = 0.5

log = get_logger(__name__)


def text_headers(record: Any) -> dict[str, str]:
    """Return a record's headers as texts, whatever bytes they are; one without a value is ''."""
    return {name: (value or b"").decode("utf-8", "replace") for name, value in record.headers}


async def _parse(record: Any, original: Callable[[Any], Awaitable[Any]]) -> Any:
    # FastStream's own parser fails on such headers, before any handler: the message would be lost.
    readable = tuple((name, value.encode()) for name, value in text_headers(record).items())
    message = await original(replace(record, headers=readable))
    message.raw_message = record
    return message


async def _raw(message: Any) -> bytes:
    # FastStream would decode what looks like JSON and fail before the handler.
    body: bytes = message.body
    return body


def dead_letter(record: Any, topics: Topics, reason: str) -> Message:
    """Return the message for the dead-letter topic: the body as it came, reason and origin in headers."""
    body: bytes = record.value or b""
    headers = text_headers(record) | {
        "dlq_reason": reason,
        "dlq_topic": record.topic,
        "dlq_partition": str(record.partition),
        "dlq_offset": str(record.offset),
        "dlq_truncated": str(len(body) > LONGEST_DEAD_LETTER_BYTES).lower(),
    }
    key = (record.key or b"").decode("utf-8", "replace")
    return Message(topics.dead_letters, key, headers, body[:LONGEST_DEAD_LETTER_BYTES])


class Wakeups:
    """Turns messages into wake-ups of this worker."""

    def __init__(self, topics: Topics, wake: Callable[[], None], broker: ResilientBroker) -> None:
        self._topics = topics
        self._wake = wake
        self._broker = broker
        self.dead_letters = 0

    def subscribe(self, broker: KafkaBroker) -> None:
        """Register the handler on a new connection."""
        broker.subscriber(
            self._topics.requests,
            group_id=f"{self._topics.prefix}{GROUP}",
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            parser=_parse,
            decoder=_raw,
        )(self.on_request)

    async def on_request(self, message: KafkaMessage) -> None:
        """Parse, wake the claimer, acknowledge; nothing waits here but a dead letter."""
        record = message.raw_message
        if not isinstance(record, ConsumerRecord):
            raise TypeError("the subscriber is not a batch one")
        try:
            parse_request_event(record.value or b"", text_headers(record))
        except UnreadableMessageError as error:
            await self._bury(dead_letter(record, self._topics, str(error)))
        else:
            self._wake()
        await failpoint("wakeups.before_ack")
        await message.ack()

    async def _bury(self, letter: Message) -> None:
        """Publish until it is confirmed: going on without would lose the message with the next ack."""
        while True:
            try:
                (failure,) = await self._broker.publish([letter], timeout_seconds=PUBLISH_SECONDS)
                if failure is None:
                    break
                log.error("Dead letter refused", action="dead_letter_refused", error=type(failure).__name__)
            except BrokerUnavailableError:
                log.warning("Dead letter waits for Kafka", action="dead_letter_waits")
            await asyncio.sleep(RETRY_SECONDS)
        self.dead_letters += 1
        log.error("Message could not be understood", action="dead_letter", reason=letter.headers["dlq_reason"])
