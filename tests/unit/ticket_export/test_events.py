"""What the services tell each other: every event in CloudEvents' binary mode, and what a reader refuses."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest

from ticket_export import events
from ticket_export.events import (
    AuditRecorded,
    Event,
    ExportCancelled,
    ExportCompleted,
    ExportExpired,
    ExportFailed,
    ExportProgressed,
    ExportRequested,
    ExportStarted,
    JobEvent,
    TaskReady,
    UnreadableMessageError,
    parse_request_event,
    to_message,
)
from ticket_export.jobs import Stage
from ticket_export.topics import Topics

JOB, PERSON = UUID(int=7), UUID(int=8)
AT = datetime(2024, 5, 6, 7, 8, 9, 123_456, tzinfo=UTC)
TOPICS = Topics("blue.")

REQUESTED = ExportRequested(
    job_id=JOB, sequence=1, requester_id=PERSON, view_id="open", requested_at=AT, snapshot_mode="exact"
)
ONE_OF_EACH: list[Event] = [
    REQUESTED,
    TaskReady(job_id=JOB, task_number=3),
    ExportStarted(job_id=JOB, sequence=2, started_at=AT),
    ExportCompleted(
        job_id=JOB,
        sequence=9,
        client_reference="order 12",
        rows=10,
        bytes=1_000,
        digest="sha256-parts:00",
        profile="spreadsheet",
        requested_at=AT,
        completed_at=AT,
        expires_at=AT,
        snapshot_mode="exact",
    ),
    ExportFailed(job_id=JOB, sequence=3, error_code="too_old", error_reference="0123456789"),
    ExportCancelled(job_id=JOB, sequence=3),
    ExportExpired(job_id=JOB, sequence=10),
    ExportProgressed(
        job_id=JOB, sequence=4, stage=Stage.EXPORTING, rows_done=1, rows_total=2, bytes_done=3, percent=50.0
    ),
    AuditRecorded(
        event_id=UUID(int=9),
        at=AT,
        action="export.requested",
        outcome="success",
        actor_id=PERSON,
        job_id=JOB,
        rows=None,
        duration_ms=None,
    ),
]
BY_NAME = pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)


def concrete_kinds(kind: type[Event]) -> Iterator[type[Event]]:
    for child in kind.__subclasses__():
        if child is not JobEvent:
            yield child
        yield from concrete_kinds(child)


def test_there_is_one_of_each_here() -> None:
    ours = {kind for kind in concrete_kinds(Event) if kind.__module__ == events.__name__}
    assert {type(event) for event in ONE_OF_EACH} == ours


@BY_NAME
def test_an_event_survives_its_json(event: Event) -> None:
    assert type(event).model_validate_json(event.model_dump_json()) == event


@BY_NAME
def test_every_event_has_a_key_and_complete_headers(event: Event) -> None:
    message = to_message(event, TOPICS)
    assert message.key
    assert set(message.headers) == {
        "ce_specversion",
        "ce_id",
        "ce_source",
        "ce_type",
        "ce_subject",
        "ce_time",
        "content-type",
    }
    assert message.headers["ce_specversion"] == "1.0"
    assert message.headers["ce_type"] == f"ticket-export.{type(event).__name__}.v1"
    assert message.headers["ce_subject"] == message.key
    assert message.headers["ce_source"] == "/ticket-export"
    assert message.headers["content-type"] == "application/json"
    assert UUID(message.headers["ce_id"]).version == 7
    assert datetime.fromisoformat(message.headers["ce_time"]).tzinfo is not None
    assert json.loads(message.body) == json.loads(event.model_dump_json())


def test_no_two_events_share_an_id() -> None:
    assert len({to_message(REQUESTED, TOPICS).headers["ce_id"] for _ in range(100)}) == 100


@pytest.mark.parametrize(
    ("kind", "topic"),
    [
        (ExportRequested, TOPICS.requests),
        (TaskReady, TOPICS.requests),
        (ExportStarted, TOPICS.events),
        (ExportCompleted, TOPICS.events),
        (ExportFailed, TOPICS.events),
        (ExportCancelled, TOPICS.events),
        (ExportExpired, TOPICS.events),
        (ExportProgressed, TOPICS.progress),
        (AuditRecorded, TOPICS.audit),
    ],
)
def test_each_goes_to_its_topic(kind: type[Event], topic: str) -> None:
    event = next(event for event in ONE_OF_EACH if type(event) is kind)
    assert to_message(event, TOPICS).topic == topic


def test_keys() -> None:
    assert REQUESTED.key == str(JOB)
    assert TaskReady(job_id=JOB, task_number=3).key == f"{JOB}/3"
    audit = next(event for event in ONE_OF_EACH if isinstance(event, AuditRecorded))
    assert audit.key == str(PERSON)
    assert audit.model_copy(update={"actor_id": None}).key == "system"


@pytest.mark.parametrize("event", [REQUESTED, TaskReady(job_id=JOB, task_number=3)], ids=["requested", "task"])
def test_what_we_send_is_what_we_read(event: Event) -> None:
    message = to_message(event, TOPICS)
    body = message.body if isinstance(message.body, bytes) else message.body.encode()
    assert parse_request_event(body, message.headers) == event


def requested_json(**changes: object) -> bytes:
    fields = json.loads(REQUESTED.model_dump_json())
    return json.dumps(fields | changes).encode()


HEADERS = {"ce_type": "ticket-export.ExportRequested.v1"}


def test_a_field_of_a_later_version_is_ignored() -> None:
    assert parse_request_event(requested_json(colour="blue"), HEADERS) == REQUESTED


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"ce_type": ""},
        {"ce_type": "ticket-export.ExportRequested.v2"},
        {"ce_type": "ticket-export.ExportCompleted.v1"},
    ],
    ids=["none", "empty", "later version", "of another topic"],
)
def test_an_unknown_type_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(UnreadableMessageError, match="unknown event type"):
        parse_request_event(requested_json(), headers)


def test_a_reason_is_short_and_has_no_control_codes() -> None:
    with pytest.raises(UnreadableMessageError) as caught:
        parse_request_event(b"{}", {"ce_type": "\x1b[31m" + "x" * 10_000})
    assert len(str(caught.value)) < 200
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe\x00",
        b'{"job_id": "\xff"}',
        requested_json(job_id="not an id"),
        requested_json(sequence=None),
        requested_json(snapshot_mode="guessed"),
        requested_json(requested_at="yesterday"),
        requested_json(view_id="\ud800"),
        b"[" * 200_000,
        b'{"job_id":' * 200_000,
        b"9" * 100_000,
    ],
    ids=range(14),
)
def test_a_body_that_is_no_such_event_is_refused_without_quoting_it(body: bytes) -> None:
    with pytest.raises(UnreadableMessageError) as caught:
        parse_request_event(body, HEADERS)
    assert str(caught.value) == "not a valid ExportRequested: ValidationError"


@pytest.mark.parametrize("field", ["job_id", "sequence", "requester_id", "view_id", "requested_at", "snapshot_mode"])
def test_a_missing_field_is_refused(field: str) -> None:
    fields = json.loads(requested_json())
    del fields[field]
    with pytest.raises(UnreadableMessageError):
        parse_request_event(json.dumps(fields).encode(), HEADERS)
