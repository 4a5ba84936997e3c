"""Sends one batch of the outbox while the lease lasts, and forgets what the broker has confirmed.

A row is set aside only after it has failed on its own: Kafka refuses records by the set, and a neighbour in the same
set would be condemned with the guilty one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from export_api.metrics import Metrics
from export_api.queries import outbox
from export_api.queries.outbox import OutboxRow
from export_api.relay.sorting import is_permanent, sort_out
from ticket_export.bus.broker import BrokerUnavailableError, ResilientBroker
from ticket_export.database.connection import Connection
from ticket_export.failpoints import failpoint
from ticket_export.leases import Deadline
from ticket_export.telemetry import get_logger

BATCH_ROWS = 500
PUBLISH_SECONDS = 10.0

log = get_logger(__name__)


class UnknownTopicError(Exception):
    """The topic is none of ours; asking Kafka for it would hold up every other message until a time-out."""


@dataclass(frozen=True, slots=True)
class Sent:
    """How a batch went: rows read, and rows that no longer wait."""

    read: int
    settled: int

    @property
    def more_may_wait(self) -> bool:
        """Whether to look again at once."""
        return self.settled > 0 and self.read == BATCH_ROWS

    @property
    def stuck(self) -> bool:
        """Whether there were rows and none could be settled."""
        return self.read > 0 and self.settled == 0


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes rows; the caller holds the lease."""

    broker: ResilientBroker
    metrics: Metrics
    topics: frozenset[str]

    async def send_batch(self, connection: Connection, deadline: Deadline) -> Sent:
        """Publish the oldest rows; raise BrokerUnavailableError when nothing is known about them."""
        found = await outbox.select_batch(connection, BATCH_ROWS)
        rows = [row for row in found if row.topic in self.topics]
        for row in found:
            if row.topic not in self.topics:
                await self._set_aside(connection, row, UnknownTopicError(row.topic))
        if not rows:
            return Sent(len(found), len(found))
        results = await self._publish(rows, deadline)
        await failpoint("relay.sent")
        outcome = sort_out(rows, results)
        await self._confirm(connection, outcome.confirmed)
        settled = len(found) - len(rows) + len(outcome.confirmed)
        for row in outcome.suspects:
            settled += await self._send_alone(connection, row, deadline)
        return Sent(len(found), settled)

    async def _send_alone(self, connection: Connection, row: OutboxRow, deadline: Deadline) -> bool:
        [error] = await self._publish([row], deadline)
        if error is None:
            await self._confirm(connection, [row.id])
        elif is_permanent(error):
            await self._set_aside(connection, row, error)
        else:
            return False
        return True

    async def _publish(self, rows: Sequence[OutboxRow], deadline: Deadline) -> list[Exception | None]:
        seconds = min(deadline.remaining_seconds, PUBLISH_SECONDS)
        if seconds <= 0:
            raise BrokerUnavailableError("the lease is over")
        try:
            return await self.broker.publish([row.message for row in rows], timeout_seconds=seconds)
        except BrokerUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - one row that cannot be encoded must not stop the others
            return [error] * len(rows)

    async def _confirm(self, connection: Connection, ids: list[int]) -> None:
        if ids:
            await outbox.delete(connection, ids)
            self.metrics.outbox_published.inc(len(ids))

    async def _set_aside(self, connection: Connection, row: OutboxRow, error: Exception) -> None:
        failure = f"{type(error).__name__}: {error}"[:500]
        await outbox.set_aside(connection, row.id, failure)
        self.metrics.outbox_unsendable.inc()
        log.error("A message can never be sent", action="outbox_unsendable", outbox_id=row.id, topic=row.topic)
