"""PostgreSQL, Kafka and S3 as child processes: `running_servers` is the way in."""

from local_stack.servers.addresses import KafkaAddress, ObjectStoreAddress, PostgresAddress
from local_stack.servers.running import Servers, fetch, running_servers
from local_stack.servers.server import Server

__all__ = ["KafkaAddress", "ObjectStoreAddress", "PostgresAddress", "Server", "Servers", "fetch", "running_servers"]
