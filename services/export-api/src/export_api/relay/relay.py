"""Carries the outbox to Kafka: at least once, in order per key, by one leader at a time.

The leader holds a leased row, renews it before each batch and stops sending before it ends. Everything is bounded, so
a stalled database or broker costs the lease and nothing else; a lost connection is opened again.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from time import monotonic
from uuid import uuid4

from export_api.database import UNREACHABLE
from export_api.metrics import Metrics
from export_api.queries import outbox
from export_api.relay.publishing import Publisher
from export_api.settings import ApiSettings
from ticket_export.backoff import Backoff
from ticket_export.bus.broker import BrokerUnavailableError, ResilientBroker
from ticket_export.bus.outbox import channel
from ticket_export.database.connection import Connection, connect
from ticket_export.database.queries import RELEASE_LEASE, TAKE_LEASE
from ticket_export.leases import Deadline, LeaseTerms, boot_time
from ticket_export.telemetry import get_logger
from ticket_export.topics import Topics

LEASE_NAME = "relay"
POLL_SECONDS = 1.0
STOP_SECONDS = 5.0
HAND_BACK_SECONDS = 2.0
MEASURE_SECONDS = 5.0

log = get_logger(__name__)


class Relay:
    """One replica's relay; most of them stand by."""

    def __init__(self, settings: ApiSettings, broker: ResilientBroker, metrics: Metrics) -> None:
        self._settings = settings
        self._broker = broker
        self._metrics = metrics
        topics = Topics(settings.topic_prefix).all()
        self._publisher = Publisher(broker, metrics, frozenset(topic.name for topic in topics))
        self._terms = LeaseTerms(settings.lease_seconds, settings.lease_renewal_seconds, settings.lease_margin_seconds)
        self._token = uuid4()
        self._holder = f"{socket.gethostname()}:{os.getpid()}"
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._leading = False
        self._measured_at = float("-inf")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Relay in the background for as long as the block runs; then finish the batch and hand the lease back."""
        task = asyncio.create_task(self._keep_relaying(), name="outbox-relay")
        try:
            yield
        finally:
            self._stopping.set()
            self._wake.set()
            await asyncio.wait({task}, timeout=STOP_SECONDS)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _keep_relaying(self) -> None:
        backoff = Backoff(first_seconds=0.5, longest_seconds=10.0)
        while not self._stopping.is_set():
            try:
                async with self._connection() as connection:
                    backoff.reset()
                    await self._relay(connection)
            except UNREACHABLE as error:
                log.warning("The relay lost its database", action="relay_lost", error=type(error).__name__)
            except Exception:
                log.exception("The relay stumbled", action="relay_error")
            self._set_leading(False)
            await _pause(self._stopping, backoff.next_seconds())

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        # Outside the pool: a pool that requests have used up must not stop publishing.
        schema = self._settings.exports_schema
        connection = await connect(self._settings.database_url, schema=schema, application_name="export-api relay")
        try:
            connection.add_termination_listener(lambda *_: self._wake.set())
            await connection.add_listener(channel(schema), lambda *_: self._wake.set())
            try:
                yield connection
            finally:
                await self._hand_back(connection)
        finally:
            connection.terminate()

    async def _relay(self, connection: Connection) -> None:
        backoff = Backoff(first_seconds=POLL_SECONDS, longest_seconds=10.0)
        while not self._stopping.is_set():
            self._wake.clear()
            if not self._broker.connected:
                # Another replica may reach Kafka where this one does not.
                await self._hand_back(connection)
                await _pause(self._stopping, POLL_SECONDS)
                continue
            deadline = await self._take_lease(connection)
            if deadline is None:
                await _pause(self._stopping, self._terms.renewal_seconds)
                continue
            if await self._send(connection, deadline):
                backoff.reset()
            else:
                await _pause(self._stopping, backoff.next_seconds())

    async def _send(self, connection: Connection, deadline: Deadline) -> bool:
        """Send what waits, then wait for more; tell whether Kafka took it."""
        try:
            sent = await self._publisher.send_batch(connection, deadline)
        except BrokerUnavailableError as error:
            log.warning("Kafka takes no messages", action="relay_waits", error=str(error))
            return False
        await self._measure(connection)
        if sent.stuck:
            return False
        if not sent.more_may_wait:
            await _pause(self._wake, POLL_SECONDS)
        return True

    async def _take_lease(self, connection: Connection) -> Deadline | None:
        sent_at = boot_time()
        until = await connection.fetchval(TAKE_LEASE, LEASE_NAME, self._token, self._terms.lease_seconds, self._holder)
        self._set_leading(until is not None)
        return Deadline.after(sent_at, self._terms) if until is not None else None

    async def _hand_back(self, connection: Connection) -> None:
        if not self._leading:
            return
        self._set_leading(False)
        with suppress(*UNREACHABLE):
            await connection.execute(RELEASE_LEASE, LEASE_NAME, self._token, timeout=HAND_BACK_SECONDS)

    def _set_leading(self, leading: bool) -> None:
        if leading != self._leading:
            log.info("Relay leads" if leading else "Relay stands by", action="relay_leader", leading=leading)
        self._leading = leading
        self._metrics.relay_leader.set(leading)

    async def _measure(self, connection: Connection) -> None:
        if monotonic() - self._measured_at < MEASURE_SECONDS:
            return
        self._measured_at = monotonic()
        backlog = await outbox.read_backlog(connection)
        self._metrics.outbox_pending.set(backlog.rows)
        self._metrics.outbox_oldest_seconds.set(backlog.oldest_seconds)


async def _pause(until: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await until.wait()
