"""Accept a request: capture the moment in the source, then store job, plan task, audit and event together.

The source's transaction has ended before the one on the jobs database begins: none is open while another waits.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from uuid import UUID

from uuid6 import uuid7

from export_api.errors import (
    ExportApiError,
    IdempotencyConflictError,
    NotAllowedError,
    TooManyExportsError,
    UnknownPersonError,
)
from export_api.queries import jobs
from export_api.queries.jobs import Job, NewJob
from export_api.use_cases.capture import Capture, capture
from export_api.use_cases.installation import Installation
from export_api.use_cases.origin import Origin
from export_api.use_cases.resolve_view import INLINE_ID, AskedView, CapturedView
from ticket_export import audit
from ticket_export.audit import AuditAction, AuditEntry
from ticket_export.bus import outbox
from ticket_export.database.connection import Connection
from ticket_export.events import ExportRequested
from ticket_export.permissions import Person
from ticket_export.views.payload import ViewPayload

UNFINISHED_PER_PERSON = 50


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What was asked for."""

    asked: AskedView
    client_reference: str | None = None
    idempotency_key: str | None = None

    @property
    def hash(self) -> bytes:
        """What an idempotency key stands for: the same request, defaults spelled out or not, has the same hash."""
        asked = self.asked
        said = {
            "view_id": asked.view_id,
            "view": asked.view and asked.view.model_dump(mode="json"),
            "on_top": asked.on_top.model_dump(mode="json"),
            "presentation": asdict(asked.presentation),
            "client_reference": self.client_reference,
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).digest()


@dataclass(frozen=True, slots=True)
class AcceptedExport:
    """The job, its requester, and whether this request made it (or an earlier one with the same key)."""

    job: Job
    requester: Person
    new: bool


async def request_export(installation: Installation, request: ExportRequest, origin: Origin) -> AcceptedExport:
    """Accept or refuse an export.

    Raises UnknownPersonError, NotAllowedError, ViewNotFoundError, InvalidRequestError, IdempotencyConflictError and
    TooManyExportsError; a refusal for lack of rights is audited.
    """
    async with installation.jobs.connection() as connection:
        cluster = await jobs.read_cluster(connection)
    captured = await capture(installation.source, username=origin.subject, asked=request.asked, jobs_cluster=cluster)
    person = await allowed_person(installation, captured, request.asked.view_id or INLINE_ID, origin)
    async with installation.jobs.transaction() as connection:
        await jobs.lock_requester(connection, person.id)
        job_id = await _find_earlier(connection, person.id, request)
        new = job_id is None
        if job_id is None:
            job_id = await _create(connection, installation, captured, person, request, origin)
        job = await jobs.get_job(connection, job_id)
    assert job is not None  # noqa: S101 - read in the transaction that found or made it
    return AcceptedExport(job, person, new)


async def allowed_person(installation: Installation, captured: Capture, view_id: str, origin: Origin) -> Person:
    """Return who asks, if they may; an audited refusal otherwise."""
    person = captured.person
    if person is not None and person.may_export:
        return person
    reason = "unknown_person" if person is None else "permission"
    await installation.record(
        AuditEntry(
            AuditAction.REQUEST_DENIED,
            actor_id=person.id if person else None,
            outcome="denied",
            view_id=view_id,
            client_address=origin.client_address,
            request_id=origin.request_id,
            details={"reason": reason, "subject": origin.subject},
        )
    )
    if person is None:
        raise UnknownPersonError
    raise NotAllowedError("Requesting an export needs the permission “import / export tickets”.")


async def _find_earlier(connection: Connection, person_id: UUID, request: ExportRequest) -> UUID | None:
    if request.idempotency_key is None:
        return None
    earlier = await jobs.find_by_key(connection, person_id, request.idempotency_key)
    if earlier is None:
        return None
    if earlier.request_hash != request.hash:
        raise IdempotencyConflictError
    return earlier.id


async def _create(
    connection: Connection,
    installation: Installation,
    captured: Capture,
    person: Person,
    request: ExportRequest,
    origin: Origin,
) -> UUID:
    if isinstance(captured.view, ExportApiError):
        raise captured.view
    job = new_job(captured, captured.view, person, client_reference=request.client_reference)
    if request.idempotency_key:
        job = replace(job, idempotency_key=request.idempotency_key, request_hash=request.hash)
    entry = _requested(job, captured.view.payload, origin)
    await store_job(connection, installation, job, entry)
    return job.id


async def store_job(connection: Connection, installation: Installation, job: NewJob, entry: AuditEntry) -> None:
    """Store a job with its first task, its audit entry and its event; raise TooManyExportsError at the limit.

    The caller holds the requester's lock, so that the limit holds.
    """
    if await jobs.count_unfinished(connection, job.requester.id) >= UNFINISHED_PER_PERSON:
        raise TooManyExportsError
    await jobs.insert_job(connection, job, uuid7())
    await audit.record(connection, entry, installation.topics)
    event = ExportRequested(
        job_id=job.id,
        sequence=1,
        client_reference=job.client_reference,
        requester_id=job.requester.id,
        view_id=job.view_id,
        requested_at=job.requested_at,
        snapshot_mode=job.origin.mode,
    )
    await outbox.enqueue(connection, event, installation.topics)


def new_job(captured: Capture, view: CapturedView, person: Person, *, client_reference: str | None) -> NewJob:
    """Return the job for a view at a captured moment."""
    return NewJob(
        id=uuid7(),
        requester=person,
        view_id=view.id,
        view_name=view.name,
        payload=view.payload.model_dump_json(),
        client_reference=client_reference,
        origin=captured.origin,
        requested_at=captured.moment.requested_at,
    )


def _requested(job: NewJob, payload: ViewPayload, origin: Origin) -> AuditEntry:
    return entry_of(job, payload, origin, AuditAction.REQUESTED, client_reference=job.client_reference)


def entry_of(job: NewJob, payload: ViewPayload, origin: Origin, action: AuditAction, **details: object) -> AuditEntry:
    """Return the audit entry of the action that makes a job."""
    return AuditEntry(
        action,
        actor_id=job.requester.id,
        job_id=job.id,
        view_id=job.view_id,
        view_name=job.view_name,
        client_address=origin.client_address,
        request_id=origin.request_id,
        details={**details, "requested_at": job.requested_at.isoformat(), "view": _summary(payload)},
    )


def _summary(payload: ViewPayload) -> dict[str, object]:
    """Say how wide a view is without saying what it looks for: values of filters can be personal."""
    return {
        "scope": payload.scope,
        "columns": len(payload.columns),
        "conditions": sum(len(group.all) + len(group.any) for group in payload.filters),
        "quick_filters": len(payload.quick_filters),
        "searched": payload.search is not None,
        "profile": payload.profile,
    }
