"""Ask again for an export that ended without a file: the same view as of now, in a job of its own, linked to the first.

"My tickets" stay those of the person who asked first; the new job belongs to whoever pressed.
"""

from dataclasses import replace
from uuid import UUID

from export_api.errors import AlreadyRetriedError, ExportNotFoundError, NotRetryableError
from export_api.queries import jobs
from export_api.queries.jobs import Job
from export_api.use_cases.capture import capture
from export_api.use_cases.installation import Installation
from export_api.use_cases.origin import Origin
from export_api.use_cases.read_exports import get_export, may_see
from export_api.use_cases.request_export import AcceptedExport, allowed_person, entry_of, new_job, store_job
from export_api.use_cases.resolve_view import CapturedView
from ticket_export.audit import AuditAction
from ticket_export.database.connection import Connection
from ticket_export.database.transitions import lock_job
from ticket_export.jobs import JobStatus
from ticket_export.permissions import Person
from ticket_export.views.payload import load_payload

RETRYABLE = frozenset({JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.EXPIRED})


async def retry_export(installation: Installation, person: Person, job_id: UUID, origin: Origin) -> AcceptedExport:
    """Return the job that retries this one; a second press finds the same.

    Whoever may see a job and may request exports may retry it. Raises ExportNotFoundError, NotRetryableError,
    AlreadyRetriedError, NotAllowedError and TooManyExportsError.
    """
    original = await get_export(installation, person, job_id)
    _check_retryable(original)
    async with installation.jobs.connection() as connection:
        payload = await jobs.read_payload(connection, job_id)
        cluster = await jobs.read_cluster(connection)
    view = CapturedView(original.view_id, original.view_name, load_payload(payload))
    captured = await capture(installation.source, username=origin.subject, asked=view, jobs_cluster=cluster)
    presser = await allowed_person(installation, captured, original.view_id, origin)
    async with installation.jobs.transaction() as connection:
        await jobs.lock_requester(connection, presser.id)
        # One retry of a job, however many press at once.
        if await lock_job(connection, job_id) is None:
            raise ExportNotFoundError
        earlier = await _locked(connection, presser, job_id)
        new_id = earlier.retried_by
        if new_id is None:
            job = new_job(captured, view, presser, client_reference=earlier.client_reference)
            job = replace(job, retry_of=job_id)
            entry = entry_of(job, view.payload, origin, AuditAction.RETRIED, retry_of=str(job_id))
            await store_job(connection, installation, job, entry)
            new_id = job.id
        accepted = await jobs.get_job(connection, new_id)
    assert accepted is not None  # noqa: S101 - found or made in this transaction
    if not may_see(presser, accepted):
        raise AlreadyRetriedError
    return AcceptedExport(accepted, presser, new=earlier.retried_by is None)


def may_retry(person: Person, job: Job) -> bool:
    """Tell whether pressing "retry" would make a new job."""
    return may_see(person, job) and person.may_export and job.status in RETRYABLE and job.retried_by is None


def _check_retryable(job: Job) -> None:
    if job.status not in RETRYABLE:
        raise NotRetryableError


async def _locked(connection: Connection, person: Person, job_id: UUID) -> Job:
    job = await jobs.get_job(connection, job_id)
    if job is None or not may_see(person, job):
        raise ExportNotFoundError
    _check_retryable(job)
    return job
