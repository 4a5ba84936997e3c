"""Where the servers of a stack are reached, and with what."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class PostgresAddress:
    """A PostgreSQL server and its superuser."""

    host: str
    port: int
    superuser: str
    password: str = field(repr=False)

    def url(self, database: str, *, user: str | None = None, password: str | None = None) -> str:
        """The URL of a database, as the superuser unless told otherwise."""
        if user is None:
            user, password = self.superuser, self.password
        return f"postgresql://{user}:{password}@{self.host}:{self.port}/{database}"


@dataclass(frozen=True)
class KafkaAddress:
    """A Kafka broker: plain text, no authentication, loopback only."""

    bootstrap: str


@dataclass(frozen=True)
class ObjectStoreAddress:
    """An S3 endpoint and its root key."""

    endpoint: str
    access_key: str
    secret_key: str = field(repr=False)
    region: str = "us-east-1"
