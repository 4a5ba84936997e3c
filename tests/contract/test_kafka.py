"""The Kafka client against a real broker that is stopped, frozen and killed; it has this broker for itself."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from time import monotonic
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import MessageSizeTooLargeError, OutOfOrderSequenceNumber
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage

from local_stack.ports import PortBook
from local_stack.servers.kafka import Kafka, kafka_jars
from local_stack.steps import Silent
from ticket_export.bus import broker as broker_module
from ticket_export.bus.broker import CONNECT_SECONDS, BrokerUnavailableError, ResilientBroker
from ticket_export.bus.client import build_admin, build_broker
from ticket_export.bus.discard import discard
from ticket_export.bus.topics import TopicCreationError, create_topics, missing_topics
from ticket_export.events import ExportExpired, Message, to_message
from ticket_export.settings import KafkaSettings
from ticket_export.topics import Topic, Topics

PREFIX = "contract."
TOPICS = Topics(PREFIX)
STOP_SECONDS = 1.0


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    directory = tmp_path_factory.mktemp("kafka")
    server = Kafka(directory, PortBook(directory), durable=False, jars=kafka_jars(Silent()))
    try:
        server.start()
        asyncio.run(create_topics(settings_for(server)))
        yield server
    finally:
        server.close()
        # What was not closed complains when it is collected.
        gc.collect()


def settings_for(kafka: Kafka, prefix: str = PREFIX) -> KafkaSettings:
    return KafkaSettings.model_validate(
        {"kafka_bootstrap_servers": kafka.address.bootstrap, "topic_prefix": prefix},
    )


@pytest.fixture
def settings(kafka: Kafka) -> KafkaSettings:
    return settings_for(kafka)


@pytest.fixture(autouse=True)
async def _nothing_left(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Every client that is stopped is gone: no task that tries to connect for ever, no open socket."""
    monkeypatch.setattr(broker_module, "STOP_SECONDS", STOP_SECONDS)
    before = asyncio.all_tasks()
    yield
    async with asyncio.timeout(2):
        while left := asyncio.all_tasks() - before - {asyncio.current_task()}:
            assert left
            await asyncio.sleep(0.01)


async def until_connected(broker: ResilientBroker) -> None:
    async with asyncio.timeout(20):
        while not broker.connected:
            await asyncio.sleep(0.02)


async def stop_in_time(broker: ResilientBroker) -> float:
    began = monotonic()
    await broker.stop()
    took = monotonic() - began
    assert took < CONNECT_SECONDS + STOP_SECONDS + 1.5
    assert not broker.connected
    return took


@asynccontextmanager
async def connected(settings: KafkaSettings) -> AsyncIterator[ResilientBroker]:
    broker = ResilientBroker(settings, client_id="contract")
    await broker.start()
    try:
        await until_connected(broker)
        yield broker
    finally:
        await stop_in_time(broker)


@contextmanager
def frozen(kafka: Kafka) -> Iterator[None]:
    assert kafka._child is not None
    kafka._child.send(signal.SIGSTOP)
    try:
        yield
    finally:
        kafka._child.send(signal.SIGCONT)


def message(key: str, body: str | bytes = "{}", topic: str = TOPICS.events) -> Message:
    return Message(topic, key, {}, body)


async def published(settings: KafkaSettings, topic: str, keys: set[str], count: int) -> list[ConsumerRecord]:
    """Read a topic from its beginning until this many messages with these keys were there."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=settings.kafka_bootstrap_servers, auto_offset_reset="earliest", group_id=None
    )
    found: list[ConsumerRecord] = []
    await consumer.start()
    try:
        async with asyncio.timeout(10):
            while len(found) < count:
                found += [item for item in [await consumer.getone()] if (item.key or b"").decode() in keys]
    finally:
        await consumer.stop()
    return found


# What arrives


async def test_messages_arrive_in_order_per_key(settings: KafkaSettings) -> None:
    keys = [str(uuid4()) for _ in range(7)]
    sent = [message(keys[n % 7], f"{n}") for n in range(700)]
    async with connected(settings) as broker:
        assert await broker.publish(sent[:300], timeout_seconds=10) == [None] * 300
        assert await broker.publish(sent[300:], timeout_seconds=10) == [None] * 400
    records = await published(settings, TOPICS.events, set(keys), 700)
    for position, key in enumerate(keys):
        of_key = [record for record in records if record.key == key.encode()]
        assert [int(record.value) for record in of_key] == list(range(position, 700, 7))
        assert len({record.partition for record in of_key}) == 1
    assert len({record.partition for record in records}) > 1


async def test_an_event_arrives_as_a_cloud_event(settings: KafkaSettings) -> None:
    event = to_message(ExportExpired(job_id=uuid4(), sequence=3), TOPICS)
    async with connected(settings) as broker:
        assert await broker.publish([event], timeout_seconds=10) == [None]
    (record,) = await published(settings, TOPICS.events, {event.key}, 1)
    headers = {name: value.decode() for name, value in record.headers}
    assert {name: headers[name] for name in event.headers} == event.headers
    assert set(headers) - set(event.headers) == {"correlation_id"}
    assert len(headers) == len(record.headers)
    assert isinstance(event.body, str)
    assert record.value == event.body.encode()


async def test_a_dead_letter_keeps_its_bytes(settings: KafkaSettings) -> None:
    key = str(uuid4())
    letter = Message(TOPICS.dead_letters, key, {"dlq_reason": "ä"}, b"\xff\x00{not json")
    async with connected(settings) as broker:
        assert await broker.publish([letter], timeout_seconds=10) == [None]
    (record,) = await published(settings, TOPICS.dead_letters, {key}, 1)
    assert record.value == b"\xff\x00{not json"
    assert dict(record.headers)["dlq_reason"] == "ä".encode()


async def test_a_message_that_cannot_be_sent_does_not_stop_its_neighbours(settings: KafkaSettings) -> None:
    key = str(uuid4())
    batch = [message(key, "1"), message(key, b"x" * 1_100_000), message(key, "\ud800"), message(key, "2")]
    async with connected(settings) as broker:
        first, too_large, no_text, last = await broker.publish(batch, timeout_seconds=10)
        assert first is None
        assert isinstance(too_large, MessageSizeTooLargeError)
        assert isinstance(no_text, UnicodeEncodeError)
        assert last is None
        assert broker.connected
        assert await broker.publish([message(key, "3")], timeout_seconds=10) == [None]
    records = await published(settings, TOPICS.events, {key}, 3)
    assert [record.value for record in records] == [b"1", b"2", b"3"]


async def test_nothing_to_publish_is_fine(settings: KafkaSettings) -> None:
    async with connected(settings) as broker:
        assert await broker.publish([], timeout_seconds=10) == []


# A broker in trouble


async def test_a_crash_is_survived_by_clients_old_and_new(kafka: Kafka, settings: KafkaSettings) -> None:
    key = str(uuid4())
    stopped = ResilientBroker(settings, client_id="stopped")
    await stopped.start()
    await until_connected(stopped)
    async with connected(settings) as old:
        await asyncio.to_thread(kafka.kill)
        for broker in (old, stopped):
            began = monotonic()
            with pytest.raises(BrokerUnavailableError, match="did not confirm"):
                await broker.publish([message(key, "lost?")], timeout_seconds=0.5)
            assert 0.4 < monotonic() - began < 2.0
            assert not broker.connected
        await stop_in_time(stopped)
        new = ResilientBroker(settings, client_id="new")
        began = monotonic()
        await new.start()
        assert monotonic() - began < 0.1
        for broker in (old, new, stopped):
            with pytest.raises(BrokerUnavailableError, match="not connected"):
                await broker.publish([message(key, "no")], timeout_seconds=0.5)
        await asyncio.to_thread(kafka.start)
        for broker in (old, new):
            await until_connected(broker)
            assert await broker.publish([message(key, "yes")], timeout_seconds=10) == [None]
        await stop_in_time(new)
    records = await published(settings, TOPICS.events, {key}, 2)
    assert [record.value for record in records if record.value != b"lost?"] == [b"yes", b"yes"]


async def test_a_frozen_broker_costs_a_publish_its_time_and_no_more(kafka: Kafka, settings: KafkaSettings) -> None:
    async with connected(settings) as broker:
        assert await broker.publish([message("k")], timeout_seconds=10) == [None]
        with frozen(kafka):
            began = monotonic()
            with pytest.raises(BrokerUnavailableError, match="did not confirm"):
                await broker.publish([message(str(uuid4()))] * 50, timeout_seconds=0.5)
            assert 0.4 < monotonic() - began < 1.5
        await until_connected(broker)
        assert await broker.publish([message(str(uuid4()))], timeout_seconds=10) == [None]


@pytest.mark.parametrize("state", ["idle", "publishing", "subscribed", "connecting"])
async def test_stopping_is_bounded_while_the_broker_is_frozen(
    kafka: Kafka, settings: KafkaSettings, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_module, "CONNECT_SECONDS", 1.0)
    broker = ResilientBroker(settings, client_id="contract")
    if state == "subscribed":
        broker.subscribe_with(Inbox(str(uuid4())).subscribe)
    if state != "connecting":
        await broker.start()
        await until_connected(broker)
        assert await broker.publish([message("k")], timeout_seconds=10) == [None]
    with frozen(kafka):
        if state == "connecting":
            await broker.start()
            await asyncio.sleep(0.1)
        if state == "publishing":
            with pytest.raises(BrokerUnavailableError):
                await broker.publish([message("k")], timeout_seconds=0.2)
        assert await stop_in_time(broker) < 1.0 + STOP_SECONDS + 1.5


async def test_a_client_that_was_never_started_stops_too(settings: KafkaSettings) -> None:
    broker = ResilientBroker(settings, client_id="contract")
    await broker.stop()
    await broker.stop()
    with pytest.raises(BrokerUnavailableError):
        await broker.publish([message("k")], timeout_seconds=1)


async def test_a_stop_can_be_given_up(kafka: Kafka, settings: KafkaSettings) -> None:
    broker = ResilientBroker(settings, client_id="contract")
    with frozen(kafka):
        await broker.start()
        await asyncio.sleep(0.1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await broker.stop()


class Inbox:
    """Subscribes to the events under a group of its own and keeps what comes."""

    def __init__(self, group: str) -> None:
        self._group = group
        self._bodies: asyncio.Queue[bytes] = asyncio.Queue()
        self.connections = 0

    def subscribe(self, broker: KafkaBroker) -> None:
        self.connections += 1
        broker.subscriber(TOPICS.events, group_id=self._group, auto_offset_reset="earliest")(self._on_event)

    async def _on_event(self, event: KafkaMessage) -> None:
        self._bodies.put_nowait(event.body)

    async def next_of(self, wanted: bytes) -> None:
        async with asyncio.timeout(10):
            while await self._bodies.get() != wanted:
                pass


async def test_a_producer_that_has_died_is_replaced_with_its_subscribers(
    settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = Inbox(str(uuid4()))
    broker = ResilientBroker(settings, client_id="contract")
    broker.subscribe_with(inbox.subscribe)
    await broker.start()
    await until_connected(broker)

    async def die(*_: object) -> None:
        raise OutOfOrderSequenceNumber

    assert broker._broker is not None
    sender = broker._broker.config.broker_config.producer._producer.producer._sender  # type: ignore[attr-defined]
    monkeypatch.setattr(sender, "_send_produce_req", die)
    first, second = await broker.publish([message("a", b"lost"), message("b", b"lost")], timeout_seconds=5)
    assert isinstance(first, OutOfOrderSequenceNumber)
    assert isinstance(second, OutOfOrderSequenceNumber)
    assert not broker.connected
    await until_connected(broker)
    wanted = str(uuid4())
    assert await broker.publish([message("a", wanted)], timeout_seconds=5) == [None]
    await inbox.next_of(wanted.encode())
    assert inbox.connections == 2
    await stop_in_time(broker)


async def test_a_connection_that_closes_during_a_publish_is_not_the_messages_fault(settings: KafkaSettings) -> None:
    async with connected(settings) as broker:
        assert broker._broker is not None
        await broker._broker.stop()
        with pytest.raises(BrokerUnavailableError):
            await broker.publish([message("k")], timeout_seconds=5)
        await until_connected(broker)
        assert await broker.publish([message("k")], timeout_seconds=5) == [None]


# Topics


async def test_topics_are_created_once_as_wanted(kafka: Kafka) -> None:
    settings = settings_for(kafka, f"{uuid4()}.")
    wanted = {topic.name: topic for topic in Topics(settings.topic_prefix).all()}
    assert await missing_topics(settings) == list(wanted)
    assert set(await create_topics(settings)) == set(wanted)
    assert await create_topics(settings) == []
    assert await missing_topics(settings) == []
    admin = build_admin(settings)
    await admin.start()
    try:
        found = {item["topic"]: len(item["partitions"]) for item in await admin.describe_topics(list(wanted))}
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in wanted]
        configs = [row for answer in await admin.describe_configs(resources) for row in answer.resources]
    finally:
        await admin.close()
    assert found == {name: topic.partitions for name, topic in wanted.items()}
    for _, _, _, name, entries in configs:
        values = {entry[0]: entry[1] for entry in entries}
        assert values["retention.ms"] == wanted[name].config["retention.ms"]


async def test_a_topic_that_the_broker_refuses_is_named(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Topic(f"{uuid4()}", 1, {"retention.ms": "soon"})
    monkeypatch.setattr(Topics, "all", lambda _: (refused,))
    with pytest.raises(TopicCreationError, match=f"{refused.name}: InvalidConfig"):
        await create_topics(settings_for(kafka))


async def test_a_client_waits_for_its_topics(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_for(kafka, f"{uuid4()}.")
    in_vain = asyncio.Semaphore(0)

    async def look(given: KafkaSettings) -> list[str]:
        missing = await missing_topics(given)
        if missing:
            in_vain.release()
        return missing

    monkeypatch.setattr(broker_module, "missing_topics", look)
    broker = ResilientBroker(settings, client_id="contract")
    await broker.start()
    async with asyncio.timeout(10):
        for _ in range(2):
            await in_vain.acquire()
            assert not broker.connected
    await create_topics(settings)
    await until_connected(broker)
    event = Message(Topics(settings.topic_prefix).events, "k", {}, "{}")
    assert await broker.publish([event], timeout_seconds=10) == [None]
    await stop_in_time(broker)


async def test_no_client_of_ours_creates_a_topic(settings: KafkaSettings) -> None:
    published_to, subscribed_to = f"{uuid4()}", f"{uuid4()}"
    async with connected(settings) as broker:
        with pytest.raises(BrokerUnavailableError):
            await broker.publish([message("k", topic=published_to)], timeout_seconds=0.5)
    subscribing = build_broker(settings, client_id="contract")
    subscribing.subscriber(subscribed_to, group_id=None)(_ignore)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await subscribing.start()
    await discard(subscribing)
    admin = build_admin(settings)
    await admin.start()
    try:
        assert not {published_to, subscribed_to} & set(await admin.list_topics())
    finally:
        await admin.close()


async def _ignore(message: KafkaMessage) -> None:
    """Never called."""
