"""What the services tell each other and the world: CloudEvents 1.0 in Kafka's binary mode.

An event carries ids and figures only: no link, no filter value, no name. ``sequence`` is the job's own counter; a
subscriber ignores a sequence that it has seen. Unknown fields are ignored by readers, so that fields can be added.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError
from uuid6 import uuid7

from ticket_export.jobs import Stage
from ticket_export.topics import Topics

SOURCE = "/ticket-export"
TYPE_PREFIX = "ticket-export."
TYPE_SUFFIX = ".v1"


class Event(BaseModel):
    """A fact about one job, keyed by the job on its topic."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    topic: ClassVar[Literal["requests", "events", "progress", "audit"]] = "events"

    @property
    def key(self) -> str:
        """The Kafka key, which is also the CloudEvents subject; every kind of event has its own."""
        return ""

    @classmethod
    def type_name(cls) -> str:
        """The CloudEvents type, versioned."""
        return f"{TYPE_PREFIX}{cls.__name__}{TYPE_SUFFIX}"


class JobEvent(Event):
    """An event in the life of a job."""

    job_id: UUID
    sequence: int
    client_reference: str | None = None

    @property
    def key(self) -> str:
        """Events of one job stay in order on one partition."""
        return str(self.job_id)


class ExportRequested(JobEvent):
    """A job was accepted: the wake-up for workers, and the record that something was asked for."""

    topic: ClassVar[Literal["requests"]] = "requests"
    requester_id: UUID
    view_id: str
    requested_at: datetime
    snapshot_mode: Literal["exact", "statement"]


class TaskReady(Event):
    """A task may be claimed. Internal to the workers; not for subscribers."""

    topic: ClassVar[Literal["requests"]] = "requests"
    job_id: UUID
    task_number: int

    @property
    def key(self) -> str:
        """Keyed by task, so that the wake-ups of one job spread over the fleet."""
        return f"{self.job_id}/{self.task_number}"


class ExportStarted(JobEvent):
    """The first worker has begun."""

    started_at: datetime


class ExportCompleted(JobEvent):
    """The file is there. ``digest`` is ``sha256-parts:<hex>``; ``bytes`` its size.

    ``oversized_cells``: how many are longer than a spreadsheet's cell. ``read_at``: the instant that the file shows if
    ``snapshot_mode`` is ``statement``; else it is ``requested_at``.
    """

    rows: int
    bytes: int
    digest: str
    profile: str
    oversized_cells: int = 0
    requested_at: datetime
    completed_at: datetime
    expires_at: datetime
    snapshot_mode: Literal["exact", "statement"]
    read_at: datetime | None = None


class ExportFailed(JobEvent):
    """The job has ended without a file; ``error_reference`` leads to the log."""

    error_code: str
    error_reference: str


class ExportCancelled(JobEvent):
    """Somebody has stopped the job."""


class ExportExpired(JobEvent):
    """The file has reached its end of life and is gone."""


class ExportProgressed(JobEvent):
    """How far a running job is; best effort, at most four a second."""

    topic: ClassVar[Literal["progress"]] = "progress"
    stage: Stage
    rows_done: int
    rows_total: int | None
    bytes_done: int
    percent: float


class AuditRecorded(Event):
    """An action was written to the audit log; filter values and addresses stay there."""

    topic: ClassVar[Literal["audit"]] = "audit"
    event_id: UUID
    at: datetime
    action: str
    outcome: Literal["success", "failure", "denied"]
    actor_id: UUID | None
    job_id: UUID | None
    rows: int | None
    duration_ms: int | None

    @property
    def key(self) -> str:
        """Keyed by who acted."""
        return str(self.actor_id or "system")


@dataclass(frozen=True, slots=True)
class Message:
    """What goes to Kafka: ``body`` is an event's JSON, or the bytes of a dead letter as they came."""

    topic: str
    key: str
    headers: dict[str, str]
    body: str | bytes


def to_message(event: Event, topics: Topics) -> Message:
    """Put an event into CloudEvents' binary mode for its topic."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(uuid7()),
        "ce_source": SOURCE,
        "ce_type": event.type_name(),
        "ce_subject": event.key,
        "ce_time": datetime.now(UTC).isoformat(),
        "content-type": "application/json",
    }
    return Message(getattr(topics, event.topic), event.key, headers, event.model_dump_json())


class UnreadableMessageError(Exception):
    """A message is not an event that this version understands; the text says why and is safe to publish."""


REQUEST_EVENTS: dict[str, type[Event]] = {kind.type_name(): kind for kind in (ExportRequested, TaskReady)}


def parse_request_event(body: bytes, headers: dict[str, str]) -> Event:
    """Read a message of the requests topic; raise UnreadableMessageError with the reason."""
    kind = REQUEST_EVENTS.get(headers.get("ce_type", ""))
    if kind is None:
        raise UnreadableMessageError(f"unknown event type {headers.get('ce_type', '')[:100]!r}")
    try:
        # Not json.loads(): it ends in a RecursionError on JSON that is nested deeply.
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise UnreadableMessageError(f"not a valid {kind.__name__}: {type(error).__name__}") from error
