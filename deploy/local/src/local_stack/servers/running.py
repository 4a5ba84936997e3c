"""The three servers of a directory together: fetched, started in parallel, ended in reverse."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local_stack.credentials import Credentials, load_credentials
from local_stack.downloads.postgres import postgres_files
from local_stack.leftovers import end_leftovers
from local_stack.locks import owned
from local_stack.parallel import all_in_parallel, in_background, in_parallel
from local_stack.ports import PortBook
from local_stack.servers.kafka import Kafka, kafka_jars
from local_stack.servers.object_store import ObjectStore, Program, object_store_program
from local_stack.servers.postgres import Postgres
from local_stack.servers.server import Server
from local_stack.steps import Silent, Steps

BUCKET = "ticket-export"


@dataclass(frozen=True)
class Servers:
    """The servers of one directory, each of which can be stopped, killed and started again on its own."""

    postgres: Postgres
    kafka: Kafka
    object_store: ObjectStore
    credentials: Credentials

    @property
    def all(self) -> tuple[Server, ...]:
        """All of them, in the order in which they are named first."""
        return (self.postgres, self.kafka, self.object_store)


@contextmanager
def running_servers(
    directory: Path, *, durable: bool, s3: str | None = None, bucket: str = BUCKET, steps: Steps | None = None
) -> Iterator[Servers]:
    """Run PostgreSQL, Kafka and S3 with their data in `directory` for as long as the block runs.

    Durable servers write through to the disk, are shut down cleanly and keep their data. Those that are not
    are for tests: they skip fsync, are killed at the end, and their data is deleted (the logs stay).

    Raises:
        DirectoryInUseError: they run already.
        StackError: one could not be fetched or did not come up; all are stopped.
    """
    steps = steps or Silent()
    directory.mkdir(parents=True, exist_ok=True)
    directory = directory.resolve()
    with owned(directory):
        end_leftovers(directory)
        ports = PortBook(directory)
        servers = fetched_servers(directory, ports, durable=durable, s3=s3, bucket=bucket, steps=steps)
        try:
            in_parallel(*(server.start for server in servers.all))
            yield servers
        finally:
            all_in_parallel(*(server.close for server in servers.all))


def fetch(s3: str | None, steps: Steps) -> None:
    """Download or build what the servers need, so that a start, or a test with a time limit, need not wait for it."""
    files = in_background(lambda: postgres_files(steps))
    jars = in_background(lambda: kafka_jars(steps))
    program = in_background(lambda: object_store_program(s3, steps))
    files.result()
    jars.result()
    program.result()


def fetched_servers(
    directory: Path, ports: PortBook, *, durable: bool, s3: str | None, bucket: str, steps: Steps
) -> Servers:
    """The servers, not yet started, with everything that they need downloaded or built."""
    files: Future[Path] = in_background(lambda: postgres_files(steps))
    jars: Future[Path] = in_background(lambda: kafka_jars(steps))
    program: Future[Program] = in_background(lambda: object_store_program(s3, steps))
    credentials = load_credentials(directory)
    return Servers(
        Postgres(directory, ports, durable=durable, files=files.result(), password=credentials.postgres_password),
        Kafka(directory, ports, durable=durable, jars=jars.result()),
        ObjectStore(
            directory, ports, durable=durable, program=program.result(), credentials=credentials, bucket=bucket
        ),
        credentials,
    )
