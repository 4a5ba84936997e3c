"""The audit log's vocabulary and the one way to write to it: in the transaction of what is recorded."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from uuid6 import uuid7

from ticket_export.bus import outbox
from ticket_export.database.connection import Connection
from ticket_export.database.queries import INSERT_AUDIT
from ticket_export.events import AuditRecorded
from ticket_export.topics import Topics


class AuditAction(StrEnum):
    """What can be done to an export, and what people do around it."""

    REQUESTED = "requested"
    REQUEST_DENIED = "request_denied"
    STARTED = "started"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    RETRIED = "retried"
    LINK_ISSUED = "link_issued"
    DOWNLOAD_DENIED = "download_denied"
    EXPIRED = "expired"
    SIGNED_IN = "signed_in"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One action: who (None: the system itself), what, with which outcome, on which job."""

    action: AuditAction
    actor_id: UUID | None = None
    outcome: Literal["success", "failure", "denied"] = "success"
    job_id: UUID | None = None
    view_id: str | None = None
    view_name: str | None = None
    rows_total: int | None = None
    duration_ms: int | None = None
    client_address: str | None = None
    request_id: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)


async def record(connection: Connection, entry: AuditEntry, topics: Topics) -> None:
    """Write the entry and queue its event; must run inside the transaction of the action."""
    event_id = uuid7()
    at: datetime = await connection.fetchval(
        INSERT_AUDIT,
        event_id,
        entry.actor_id,
        entry.action,
        entry.outcome,
        entry.job_id,
        entry.view_id,
        entry.view_name,
        entry.rows_total,
        entry.duration_ms,
        entry.client_address,
        entry.request_id,
        json.dumps(entry.details, default=str),
    )
    event = AuditRecorded(
        event_id=event_id,
        at=at,
        action=entry.action,
        outcome=entry.outcome,
        actor_id=entry.actor_id,
        job_id=entry.job_id,
        rows=entry.rows_total,
        duration_ms=entry.duration_ms,
    )
    await outbox.enqueue(connection, event, topics)
