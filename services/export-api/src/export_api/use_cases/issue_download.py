"""Hand out a link to a finished file, after the rights were read from the helpdesk's database at this moment.

The link is a bearer token: it goes into the answer and nowhere else. Link and refusal are audited before the answer.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from export_api.errors import (
    ExportApiError,
    ExportNotFoundError,
    FileExpiredError,
    NoFileError,
    NotAllowedError,
    NotReadyError,
    UnknownPersonError,
)
from export_api.queries import jobs
from export_api.queries.jobs import Job, StoredFile
from export_api.use_cases.installation import Installation
from export_api.use_cases.origin import Origin
from ticket_export.audit import AuditAction, AuditEntry
from ticket_export.jobs import JobStatus
from ticket_export.permissions import Person
from ticket_export.storage.links import DownloadLinks

LINK_LIFE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class _Refusal:
    reason: str
    error: ExportApiError


async def issue_download(installation: Installation, links: DownloadLinks, job_id: UUID, origin: Origin) -> str:
    """Return a link that lives for 60 s or until the file expires, whichever is sooner.

    Raises UnknownPersonError, ExportNotFoundError, NotAllowedError, NotReadyError, NoFileError and FileExpiredError.
    """
    async with installation.source.reading() as reading:
        person = await reading.person(origin.subject)
    async with installation.jobs.connection() as connection:
        job = await jobs.get_job(connection, job_id)
    if job is None:
        raise UnknownPersonError if person is None else ExportNotFoundError
    refusal = _refusal(person, job)
    if refusal:
        await installation.record(_entry(AuditAction.DOWNLOAD_DENIED, person, job, origin, reason=refusal.reason))
        raise refusal.error
    file, life = _fetchable(job)
    link = links.presign(file.bucket, file.object_key, file_name=file.name, expires=life)
    await installation.record(_entry(AuditAction.LINK_ISSUED, person, job, origin, life=life.total_seconds()))
    return link


def _refusal(person: Person | None, job: Job) -> _Refusal | None:
    if person is None:
        return _Refusal("unknown_person", UnknownPersonError())
    if person.may_download:
        return None
    if job.requester_id == person.id:
        return _Refusal(
            "permission", NotAllowedError("Only an administrator with “import / export tickets” may download.")
        )
    return _Refusal("not_visible", ExportNotFoundError())


def _fetchable(job: Job) -> tuple[StoredFile, timedelta]:
    """Return the file and how long a link to it may live, in whole seconds."""
    match job.status:
        case JobStatus.QUEUED | JobStatus.RUNNING:
            raise NotReadyError
        case JobStatus.FAILED | JobStatus.CANCELLED:
            raise NoFileError
    life = timedelta(seconds=int(min(LINK_LIFE, job.life_left).total_seconds()))
    if job.status is JobStatus.EXPIRED or job.file is None or life < timedelta(seconds=1):
        raise FileExpiredError
    return job.file, life


def _entry(action: AuditAction, person: Person | None, job: Job, origin: Origin, **details: object) -> AuditEntry:
    denied = action is AuditAction.DOWNLOAD_DENIED
    return AuditEntry(
        action,
        actor_id=person.id if person else None,
        outcome="denied" if denied else "success",
        job_id=job.id,
        view_id=job.view_id,
        view_name=job.view_name,
        rows_total=job.rows_total,
        client_address=origin.client_address,
        request_id=origin.request_id,
        details={"subject": origin.subject, **details} if denied else details,
    )
