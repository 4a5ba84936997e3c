"""Apache Kafka in KRaft mode, broker and controller in one process, that creates no topic unasked."""

import os
import shutil
from pathlib import Path
from typing import ClassVar

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from local_stack.cache import cached
from local_stack.downloads.java import QUICK_START, java
from local_stack.downloads.maven import download_jars
from local_stack.ports import LOOPBACK, PortBook, is_free
from local_stack.processes import Child, run, spawn
from local_stack.servers.addresses import KafkaAddress
from local_stack.servers.probes import converse
from local_stack.servers.server import Server
from local_stack.steps import Steps

LOCK = "kafka-4.4.0"
CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg"  # any 16 bytes in base64
HEAP = ("-Xms64m", "-Xmx512m")
LOGGING = (
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS",
)
REQUEST_TIMEOUT_MILLISECONDS = 2_000
SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
log.dirs={data}
auto.create.topics.enable=false
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
log.cleaner.dedupe.buffer.size=16777216
num.network.threads=2
num.io.threads=4
"""


def kafka_jars(steps: Steps) -> Path:
    """The directory of Kafka's jars, downloaded once."""

    def download(part: Path) -> None:
        with steps.step(f"Kafka: downloading {LOCK}") as step:
            download_jars(LOCK, part, step)

    return cached(LOCK, download)


class Kafka(Server):
    """A Kafka broker."""

    name = "kafka"
    title = "Kafka"
    ports_needed: ClassVar[int] = 2

    def __init__(self, directory: Path, ports: PortBook, *, durable: bool, jars: Path) -> None:
        super().__init__(directory, ports, durable=durable)
        self._class_path = f"{jars}/*"
        self._settings = directory / "kafka.properties"
        self.data = directory / "kafka"

    @property
    def address(self) -> KafkaAddress:
        """Where it is reached."""
        return KafkaAddress(f"{LOOPBACK}:{self.port}")

    def prepare(self) -> None:
        """Format the storage on the first start."""
        self._write_settings()
        if not (self.data / "meta.properties").exists():
            shutil.rmtree(self.data, ignore_errors=True)
            self._format()

    def spawn(self) -> Child:
        """Start the broker, with the ports that it has now."""
        self._write_settings()
        return spawn(
            self.name,
            [*self._java(), *HEAP, *LOGGING, "kafka.Kafka", str(self._settings)],
            log=self.log,
            environment=os.environ,
            cwd=self.directory,
        )

    def answers(self) -> bool:
        """Whether the broker answers a metadata request and counts itself in."""
        return not is_free(self.port) and converse(_brokers(self.address)) > 0

    def delete_data(self) -> None:
        """Delete every topic."""
        shutil.rmtree(self.data, ignore_errors=True)

    def _java(self) -> list[str]:
        return [str(java()), *QUICK_START, "-cp", self._class_path]

    def _write_settings(self) -> None:
        port, controller_port = self.ports
        text = SETTINGS.format(host=LOOPBACK, port=port, controller_port=controller_port, data=self.data)
        self._settings.write_text(text)

    def _format(self) -> None:
        tool = ["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(self._settings)]
        run([*self._java(), *tool])


async def _brokers(address: KafkaAddress) -> int:
    client = AIOKafkaAdminClient(bootstrap_servers=address.bootstrap, request_timeout_ms=REQUEST_TIMEOUT_MILLISECONDS)
    try:
        await client.start()
        return len((await client.describe_cluster())["brokers"])
    except (TimeoutError, KafkaError, OSError):
        return 0
    finally:
        await client.close()
