"""The outbox's way to Kafka: order, one leader, nothing lost when Kafka, the database or a relay goes away."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer

from export_api.metrics import Metrics
from export_api.relay import Relay, relay
from export_api.settings import ApiSettings
from support.installation import Installation
from ticket_export.bus.broker import ResilientBroker
from ticket_export.topics import Topics

WAIT_SECONDS = 30.0


@dataclass
class Outbox:
    """The outbox as tests fill and watch it, and what has arrived in Kafka."""

    database: "asyncpg.Connection[asyncpg.Record]"
    topics: Topics
    consumer: AIOKafkaConsumer
    arrived: list[tuple[str, str]] = field(default_factory=list)
    sent_at: list[float] = field(default_factory=list)
    listening: bool = False

    async def put(self, key: str, *bodies: str, topic: str | None = None, notify: bool = True) -> None:
        """Queue messages in one transaction."""
        insert = 'INSERT INTO exports.outbox (topic, key, headers, body) VALUES ($1, $2, \'{"n": "1"}\', $3)'
        async with self.database.transaction():
            for body in bodies:
                await self.database.execute(insert, topic or self.topics.events, key, body)
            if notify:
                await self.database.execute("SELECT pg_notify('ticket_export_outbox_exports', '')")

    async def receive(self, count: int) -> list[tuple[str, str]]:
        """Wait until so many messages have arrived in all; (key, body) in their order."""
        if not self.listening:
            await self.consumer.start()
            self.listening = True
        async with asyncio.timeout(WAIT_SECONDS):
            while len(self.arrived) < count:
                message = await self.consumer.getone()
                self.arrived.append((message.key.decode(), message.value.decode()))
                self.sent_at.append(message.timestamp / 1000)
        return self.arrived

    async def drained(self) -> None:
        """Wait until nothing waits any more."""
        await self.until("SELECT count(*) = 0 FROM exports.outbox WHERE failed_at IS NULL")

    async def until(self, condition: str) -> None:
        """Wait until the database says yes."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not await self.database.fetchval(condition):
                await asyncio.sleep(0.02)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.fixture
def settings(installation: Installation, tmp_path: Path) -> ApiSettings:
    return installation.settings(
        ApiSettings,
        auth_mode="demo",
        demo_signing_key_file=tmp_path / "key.json",
        lease_seconds=2.0,
        lease_renewal_seconds=0.2,
        lease_margin_seconds=0.5,
    )


@pytest.fixture
async def outbox(installation: Installation) -> AsyncIterator[Outbox]:
    topics = Topics(installation.topic_prefix)
    consumer = AIOKafkaConsumer(
        topics.events,
        bootstrap_servers=installation.servers.kafka.address.bootstrap,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    outbox = Outbox(await installation.connect(), topics, consumer)
    yield outbox
    await outbox.database.close()
    await consumer.stop()


@asynccontextmanager
async def relaying(settings: ApiSettings) -> AsyncIterator[Metrics]:
    """Run one replica's relay."""
    metrics = Metrics()
    broker = ResilientBroker(settings, client_id="test")
    await broker.start()
    try:
        async with Relay(settings, broker, metrics).running():
            yield metrics
    finally:
        await broker.stop()


def leads(metrics: Metrics) -> bool:
    return metrics.registry.get_sample_value("export_api_relay_leader") == 1


async def test_messages_arrive_in_order_per_key_with_their_headers_and_leave_the_outbox(
    settings: ApiSettings, outbox: Outbox
) -> None:
    for number in range(40):
        await outbox.put(f"job-{number % 4}", f"{number:03}")
    async with relaying(settings) as metrics:
        arrived = await outbox.receive(40)
        await outbox.drained()

    for key in range(4):
        bodies = [body for who, body in arrived if who == f"job-{key}"]
        assert bodies == sorted(bodies)
        assert len(bodies) == 10
    assert metrics.registry.get_sample_value("export_api_outbox_published_total") == 40
    assert await outbox.database.fetchval("SELECT count(*) FROM exports.outbox") == 0


async def test_more_than_one_batch_goes_through(settings: ApiSettings, outbox: Outbox) -> None:
    await outbox.put("k", *(f"{number:04}" for number in range(1203)))
    async with relaying(settings):
        arrived = await outbox.receive(1203)

    assert [body for _, body in arrived] == [f"{number:04}" for number in range(1203)]


async def test_without_a_notification_the_poll_finds_it(settings: ApiSettings, outbox: Outbox) -> None:
    async with relaying(settings) as metrics:
        await until(lambda: leads(metrics))
        await outbox.put("k", "quiet", notify=False)
        assert await outbox.receive(1) == [("k", "quiet")]


async def test_a_message_that_can_never_be_sent_steps_aside(settings: ApiSettings, outbox: Outbox) -> None:
    await outbox.put("k", "before")
    await outbox.put("k", "x" * 2_000_000)
    await outbox.put("k", "after")
    await outbox.put("other", "too")
    async with relaying(settings) as metrics:
        arrived = await outbox.receive(3)
        await outbox.drained()

    assert [body for key, body in arrived if key == "k"] == ["before", "after"]
    [failed] = await outbox.database.fetch("SELECT * FROM exports.outbox")
    assert failed["failed_at"] is not None
    assert failed["failure"].startswith("MessageSizeTooLargeError")
    assert metrics.registry.get_sample_value("export_api_outbox_unsendable_total") == 1


async def test_a_message_for_a_topic_of_nobody_steps_aside_too(settings: ApiSettings, outbox: Outbox) -> None:
    await outbox.put("k", "nowhere", topic="left over from another prefix")
    await outbox.put("k", "fine")
    async with relaying(settings):
        assert await outbox.receive(1) == [("k", "fine")]
        await outbox.drained()

    assert await outbox.database.fetchval("SELECT body FROM exports.outbox") == "nowhere"


async def test_what_was_asked_while_kafka_was_down_arrives_when_it_is_back(
    settings: ApiSettings, outbox: Outbox, installation: Installation
) -> None:
    kafka = installation.servers.kafka
    async with relaying(settings) as metrics:
        await outbox.put("k", "1")
        await outbox.drained()
        await asyncio.to_thread(kafka.kill)
        try:
            await outbox.put("k", "2", "3")
            # It gives the lease away rather than sit on it.
            await until(lambda: not leads(metrics))
            assert await outbox.database.fetchval("SELECT count(*) FROM exports.outbox") == 2
        finally:
            await asyncio.to_thread(kafka.start)
        await outbox.drained()
        arrived = await outbox.receive(3)

    assert [body for _, body in arrived][:1] == ["1"]
    assert sorted({body for _, body in arrived}) == ["1", "2", "3"]


async def test_it_comes_back_after_a_restart_of_the_database(
    settings: ApiSettings, outbox: Outbox, installation: Installation
) -> None:
    async with relaying(settings) as metrics:
        await until(lambda: leads(metrics))
        await asyncio.to_thread(installation.servers.postgres.kill)
        await asyncio.to_thread(installation.servers.postgres.start)
        outbox.database.terminate()
        outbox.database = await installation.connect()
        await outbox.put("k", "after the restart")
        assert await outbox.receive(1) == [("k", "after the restart")]


async def test_one_leads_and_the_next_takes_over_at_once_when_it_leaves(settings: ApiSettings, outbox: Outbox) -> None:
    slow = settings.model_copy(update={"lease_seconds": 60.0})
    async with AsyncExitStack() as leaving:
        first = await leaving.enter_async_context(relaying(slow))
        await until(lambda: leads(first))
        async with relaying(slow) as second:
            await outbox.put("k", *map(str, range(20)))
            assert [body for _, body in await outbox.receive(20)] == [str(number) for number in range(20)]
            assert (leads(first), leads(second)) == (True, False)

            await leaving.aclose()
            await until(lambda: leads(second))
            await outbox.put("k", "next")
            assert (await outbox.receive(21))[-1] == ("k", "next")


async def test_the_lease_of_a_dead_leader_is_taken_over_when_it_ends_and_not_before(
    settings: ApiSettings, outbox: Outbox
) -> None:
    await outbox.put("k", "1")
    ends_at = await outbox.database.fetchval(
        "INSERT INTO exports.leases VALUES ('relay', gen_random_uuid(), clock_timestamp() + interval '2 s', 'dead')"
        " RETURNING extract(epoch FROM lease_until)::float8"
    )
    async with relaying(settings) as metrics:
        await outbox.receive(1)
        holder = await outbox.database.fetchval("SELECT holder FROM exports.leases WHERE name = 'relay'")

        assert (leads(metrics), holder != "dead") == (True, True)
    assert outbox.sent_at[0] >= ends_at - 0.001  # Kafka keeps milliseconds
    assert await outbox.database.fetchval("SELECT lease_until <= clock_timestamp() FROM exports.leases")


async def test_a_notification_shortens_the_wait(
    settings: ApiSettings, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = settings.model_copy(update={"lease_seconds": 200.0})
    async with relaying(patient) as metrics:
        await until(lambda: leads(metrics))
        monkeypatch.setattr(relay, "POLL_SECONDS", 120.0)
        for number in range(3):
            await outbox.put("k", str(number))
            await outbox.drained()


async def test_events_of_the_api_are_readable_by_anybody(settings: ApiSettings, outbox: Outbox) -> None:
    await outbox.put("k", json.dumps({"grüße": "✓"}, ensure_ascii=False))
    async with relaying(settings):
        [(_, body)] = await outbox.receive(1)

    assert json.loads(body) == {"grüße": "✓"}
