"""Show exports to those who may see them: the requester, and whoever may download."""

from dataclasses import dataclass
from uuid import UUID

from export_api.errors import ExportNotFoundError
from export_api.queries import jobs
from export_api.queries.jobs import Job, PageKey
from export_api.use_cases.installation import Installation
from ticket_export.jobs import JobStatus
from ticket_export.permissions import Person


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some jobs, newest first; ``next`` is where the following page begins, None on the last."""

    jobs: tuple[Job, ...]
    next: PageKey | None


def may_see(person: Person, job: Job) -> bool:
    """Tell whether the person may know of this job; the right to request plays no part."""
    return job.requester_id == person.id or person.may_download


def may_fetch(person: Person, job: Job) -> bool:
    """Tell whether the person would get the file now."""
    return person.may_download and job.status is JobStatus.COMPLETED and job.life_left.total_seconds() >= 1


async def get_export(installation: Installation, person: Person, job_id: UUID) -> Job:
    """Read a job; raise ExportNotFoundError when there is none or it is none of their business."""
    async with installation.jobs.connection() as connection:
        job = await jobs.get_job(connection, job_id)
    if job is None or not may_see(person, job):
        raise ExportNotFoundError
    return job


async def list_exports(
    installation: Installation, person: Person, *, status: JobStatus | None, after: PageKey | None, limit: int
) -> JobPage:
    """Read a page of what the person may see."""
    whose = None if person.may_download else person.id
    async with installation.jobs.connection() as connection:
        found = await jobs.list_jobs(connection, requester_id=whose, status=status, after=after, limit=limit + 1)
    page = tuple(found[:limit])
    last = page[-1] if len(found) > limit else None
    return JobPage(page, PageKey(last.requested_at, last.id) if last else None)
