"""The suite's own servers: it kills them. Kafka has a second listener, which is advertised at a proxy's address."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from local_stack.locks import owned
from local_stack.parallel import all_in_parallel, in_parallel
from local_stack.ports import LOOPBACK, PortBook
from local_stack.servers import Servers
from local_stack.servers.kafka import SETTINGS, Kafka, kafka_jars
from local_stack.servers.running import fetched_servers
from local_stack.steps import Silent


class ProxiedKafka(Kafka):
    """A broker whose second listener tells its clients to come through ``proxy_port``."""

    ports_needed: ClassVar[int] = 4

    @property
    def behind_proxy_port(self) -> int:
        """Where the proxy connects to."""
        return self.ports[2]

    @property
    def proxy_port(self) -> int:
        """Where the proxy must listen."""
        return self.ports[3]

    def _write_settings(self) -> None:
        port, controller_port, behind, proxy = self.ports
        text = SETTINGS.format(host=LOOPBACK, port=port, controller_port=controller_port, data=self.data)
        text = text.replace("map=PLAINTEXT:PLAINTEXT", "map=PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT")
        text = text.replace("\nlisteners=", f"\nlisteners=PROXIED://{LOOPBACK}:{behind},")
        text = text.replace("advertised.listeners=", f"advertised.listeners=PROXIED://{LOOPBACK}:{proxy},")
        self._settings.write_text(text)


@contextmanager
def expendable_servers(directory: Path) -> Iterator[Servers]:
    """Run PostgreSQL, Kafka and S3 that may be killed, stalled and started again."""
    directory.mkdir(parents=True, exist_ok=True)
    with owned(directory):
        ports = PortBook(directory)
        plain = fetched_servers(directory, ports, durable=False, s3=None, bucket="ticket-export", steps=Silent())
        kafka = ProxiedKafka(directory, ports, durable=False, jars=kafka_jars(Silent()))
        servers = replace(plain, kafka=kafka)
        try:
            in_parallel(*(server.start for server in servers.all))
            yield servers
        finally:
            all_in_parallel(*(server.close for server in servers.all))
