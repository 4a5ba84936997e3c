"""PostgreSQL, Kafka and S3 as child processes: each comes back on its port with its data, however it went."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from ipaddress import ip_address
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from minio import Minio

from local_stack.accounts import outside_directory, server_account
from local_stack.credentials import load_credentials
from local_stack.errors import DirectoryInUseError, ServerDiedError
from local_stack.ports import PortBook, is_free
from local_stack.processes import wait_gone
from local_stack.servers import Servers, running_servers
from local_stack.servers.object_store import ObjectStore, object_store_program
from local_stack.steps import Silent


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    directory = tmp_path_factory.mktemp("servers")
    with running_servers(directory, durable=False, bucket="first") as servers:
        yield servers
    assert not outside_directory(directory).exists()
    assert all(is_free(port) for server in servers.all for port in server.ports)


async def query(servers: Servers, sql: str) -> object:
    connection = await asyncpg.connect(servers.postgres.address.url("postgres"))
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def bucket_client(server: ObjectStore) -> Minio:
    address = server.address
    host = address.endpoint.removeprefix("http://")
    return Minio(host, address.access_key, address.secret_key, secure=False, region=address.region)


async def send(servers: Servers, topic: str, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=servers.kafka.address.bootstrap) as producer:
        await producer.send_and_wait(topic, value)


async def received(servers: Servers, topic: str, count: int) -> list[bytes | None]:
    bootstrap = servers.kafka.address.bootstrap
    async with AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        return [(await consumer.getone()).value for _ in range(count)]


async def topics(servers: Servers) -> list[str]:
    client = AIOKafkaAdminClient(bootstrap_servers=servers.kafka.address.bootstrap)
    await client.start()
    try:
        return list(await client.list_topics())
    finally:
        await client.close()


async def test_postgres_is_18_utf8_with_passwords_and_not_root(servers: Servers) -> None:
    assert str(await query(servers, "SHOW server_version")).startswith("18.")
    assert await query(servers, "SHOW server_encoding") == "UTF8"
    assert await query(servers, "SELECT lower('ÄÉ')") == "äé"
    assert await query(servers, "SHOW max_connections") == "200"
    assert servers.postgres.identity
    assert psutil.Process(servers.postgres.identity.pid).uids().real != 0
    address = servers.postgres.address
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(address.url("postgres", user="postgres", password="wrong"))


async def test_postgres_sorts_text_by_icu_only_where_it_is_asked_to(servers: Servers) -> None:
    letters = "FROM unnest(ARRAY['z', 'B', 'ä', 'a']) AS letter"
    by_icu = f'SELECT array_agg(letter ORDER BY letter COLLATE "und-x-icu") {letters}'
    assert await query(servers, by_icu) == ["a", "ä", "B", "z"]
    assert await query(servers, f"SELECT array_agg(letter ORDER BY letter) {letters}") == ["B", "a", "z", "ä"]
    assert await query(servers, """SELECT lower('ÄİΣ' COLLATE "und-x-icu")""") == "äi̇ς"


async def test_postgres_brings_its_time_zones(servers: Servers) -> None:
    assert await query(servers, "SELECT utc_offset FROM pg_timezone_names WHERE name = 'Asia/Kolkata'") == timedelta(
        hours=5, minutes=30
    )


async def test_postgres_comes_back_with_its_data(servers: Servers) -> None:
    port = servers.postgres.port
    await query(servers, "CREATE TABLE kept (n int)")
    for end in (servers.postgres.stop, servers.postgres.kill):
        await query(servers, "INSERT INTO kept VALUES (1)")
        await query(servers, "CHECKPOINT")  # what a killed server keeps without fsync is not promised
        end()
        assert not servers.postgres.running
        assert is_free(port)
        servers.postgres.start()
    assert servers.postgres.port == port
    assert await query(servers, "SELECT count(*) FROM kept") == 2


async def test_postgres_does_not_stumble_over_a_lock_file_whose_number_is_somebody_elses_now(servers: Servers) -> None:
    servers.postgres.kill()
    lock_file = servers.postgres.data / "postmaster.pid"
    account = server_account()
    other = await asyncio.create_subprocess_exec("sleep", "60", user=account.uid if account else None)
    try:
        lock_file.write_text("\n".join([str(other.pid), *lock_file.read_text().splitlines()[1:]]))
        servers.postgres.start()
        assert await query(servers, "SELECT 1") == 1
        assert other.returncode is None
    finally:
        other.kill()
        await other.wait()


async def test_kafka_comes_back_with_its_data_and_creates_no_topic_unasked(servers: Servers) -> None:
    client = AIOKafkaAdminClient(bootstrap_servers=servers.kafka.address.bootstrap)
    await client.start()
    await client.create_topics([NewTopic("kept", num_partitions=1, replication_factor=1)])
    await client.close()
    port = servers.kafka.port
    await send(servers, "kept", b"before")
    servers.kafka.restart()
    await send(servers, "kept", b"after stop")
    servers.kafka.kill()
    assert is_free(port)
    servers.kafka.start()
    assert servers.kafka.port == port
    assert await received(servers, "kept", 2) == [b"before", b"after stop"]
    client = AIOKafkaAdminClient(bootstrap_servers=servers.kafka.address.bootstrap)
    await client.start()
    await client.describe_topics(["unasked"])
    await client.close()
    assert "unasked" not in await topics(servers)


def test_s3_comes_back_with_its_data(servers: Servers) -> None:
    client = bucket_client(servers.object_store)
    client.put_object("first", "kept", BytesIO(b"bytes"), 5)
    servers.object_store.create_bucket("second")
    servers.object_store.restart()
    servers.object_store.kill()
    servers.object_store.start()
    answer = client.get_object("first", "kept")
    assert answer.data == b"bytes"
    answer.close()
    answer.release_conn()
    assert {bucket.name for bucket in client.list_buckets()} == {"first", "second"}


def test_servers_listen_on_loopback_only(servers: Servers) -> None:
    for server in servers.all:
        assert server.identity
        process = psutil.Process(server.identity.pid)
        listening = [c.laddr for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN]
        assert {address.port for address in listening} >= set(server.ports)
        assert all(ip_address(address.ip.removeprefix("::ffff:")).is_loopback for address in listening)


def test_a_directory_has_one_owner(servers: Servers) -> None:
    with (
        pytest.raises(DirectoryInUseError, match="in use"),
        running_servers(servers.postgres.directory, durable=False),
    ):
        pass


def s3proxy(directory: Path) -> ObjectStore:
    program = object_store_program("s3proxy", Silent())
    return ObjectStore(
        directory,
        PortBook(directory),
        durable=True,
        program=program,
        credentials=load_credentials(directory),
        bucket="first",
    )


def test_s3proxy_serves_the_same_way(tmp_path: Path) -> None:
    first = s3proxy(tmp_path)
    first.start()
    client = bucket_client(first)
    client.put_object("first", "key", BytesIO(b"12345"), 5)
    first.close()
    second = s3proxy(tmp_path)
    second.start()
    assert second.ports == first.ports
    assert client.stat_object("first", "key").size == 5
    second.close()


def test_a_port_that_is_taken_before_the_first_start_is_replaced(servers: Servers, tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text(f'{{"object-store": [{servers.postgres.port}]}}')
    server = s3proxy(tmp_path)
    assert server.port != servers.postgres.port
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", server.port))
        taker.listen()
        taken = server.port
        server.start()
    assert server.port != taken
    server.close()


def test_a_server_that_cannot_start_says_why(servers: Servers) -> None:
    version = servers.postgres.data / "PG_VERSION"
    servers.postgres.stop()
    version.write_text("17\n")
    with pytest.raises(ServerDiedError, match="incompatible"):
        servers.postgres.start()
    version.write_text("18\n")
    servers.postgres.start()


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: only there a child is told of its parent's death")
def test_servers_end_when_their_owner_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from local_stack.servers import running_servers\n"
        "with running_servers(Path(sys.argv[1]), durable=False) as servers:\n"
        "    print(*(server.identity.pid for server in servers.all), flush=True)\n"
        "    sys.stdin.read()\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with owner:
        assert owner.stdout
        children = [psutil.Process(int(pid)) for pid in owner.stdout.readline().split()]
        assert len(children) == 3
        owner.kill()
    assert wait_gone(children, 10)
