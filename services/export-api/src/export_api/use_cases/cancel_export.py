"""Stop an export: at once and for good, under the job's lock; its worker notices at the next renewal of its lease."""

from uuid import UUID

from export_api.errors import AlreadyEndedError, ExportNotFoundError
from export_api.queries import jobs
from export_api.queries.jobs import Job
from export_api.use_cases.installation import Installation
from export_api.use_cases.origin import Origin
from export_api.use_cases.read_exports import may_see
from ticket_export.database.transitions import Actor, cancel_job, lock_job
from ticket_export.jobs import JobStatus
from ticket_export.permissions import Person


async def cancel_export(installation: Installation, person: Person, job_id: UUID, origin: Origin) -> Job:
    """Cancel a job and return it; cancelling it again changes nothing.

    Whoever may see a job may cancel it. Raises ExportNotFoundError, and AlreadyEndedError for one that ended otherwise.
    """
    async with installation.jobs.transaction() as connection:
        locked = await lock_job(connection, job_id)
        job = await jobs.get_job(connection, job_id)
        if locked is None or job is None or not may_see(person, job):
            raise ExportNotFoundError
        by = Actor(person.id, origin.client_address, origin.request_id)
        if not await cancel_job(connection, locked, by, installation.topics) and job.status is not JobStatus.CANCELLED:
            raise AlreadyEndedError
        cancelled = await jobs.get_job(connection, job_id)
    assert cancelled is not None  # noqa: S101 - locked until now
    return cancelled


def may_cancel(person: Person, job: Job) -> bool:
    """Tell whether pressing "cancel" would do anything."""
    return may_see(person, job) and job.status in {JobStatus.QUEUED, JobStatus.RUNNING}
