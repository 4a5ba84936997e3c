"""Every Kafka topic of the system, with its partitions and retention, in one place."""

from dataclasses import dataclass

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it is to be created; ``config`` holds Kafka's topic settings."""

    name: str
    partitions: int
    config: dict[str, str]


@dataclass(frozen=True, slots=True)
class Topics:
    """The names under one prefix; several installations share a broker by prefix."""

    prefix: str = ""

    @property
    def requests(self) -> str:
        """``ExportRequested`` and ``TaskReady``: wake-ups for workers."""
        return f"{self.prefix}ticket-export.requests.v1"

    @property
    def events(self) -> str:
        """Started, completed, failed, cancelled, expired: for any subscriber."""
        return f"{self.prefix}ticket-export.events.v1"

    @property
    def progress(self) -> str:
        """``ExportProgressed``: best effort, short-lived."""
        return f"{self.prefix}ticket-export.progress.v1"

    @property
    def audit(self) -> str:
        """``AuditRecorded``: ids, action, outcome, counts."""
        return f"{self.prefix}ticket-export.audit.v1"

    @property
    def dead_letters(self) -> str:
        """Messages of the requests topic that could not be understood."""
        return f"{self.prefix}ticket-export.requests.v1.dlq"

    def all(self) -> tuple[Topic, ...]:
        """List what ``ticket-export migrate`` creates and every service checks at start.

        Partitions of a keyed topic are never grown later: the key's partition would change.
        """
        return (
            Topic(self.requests, 12, {"retention.ms": str(7 * DAY_MS)}),
            Topic(self.events, 6, {"retention.ms": str(7 * DAY_MS)}),
            Topic(self.progress, 6, {"retention.ms": str(HOUR_MS)}),
            Topic(self.audit, 3, {"retention.ms": str(30 * DAY_MS)}),
            Topic(self.dead_letters, 1, {"retention.ms": str(30 * DAY_MS)}),
        )
