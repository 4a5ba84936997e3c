"""Third step: an unfinished job that is older than any may be fails, also one that no worker claims any more.

Without it a job that waits for ever (claiming is paused, no worker runs) would hold the source's history for ever.
"""

import secrets
from uuid import UUID

from janitor import queries
from janitor.resources import Resources
from janitor.tally import Tally
from ticket_export.database.connection import ACQUIRE_TIMEOUT_SECONDS
from ticket_export.database.transitions import SafeError, fail_job, lock_job
from ticket_export.jobs import TOO_OLD_CODE, TOO_OLD_MESSAGE
from ticket_export.telemetry import get_logger

log = get_logger(__name__)


async def fail_overdue_jobs(resources: Resources) -> Tally:
    """Fail every unfinished job that is past its greatest age, each with its event and audit row."""
    tally = Tally("fail_overdue_jobs")
    while True:
        await resources.leadership.keep()
        overdue = await _overdue(resources)
        for job_id in overdue:
            tally.done += await _fail(resources, job_id)
        if len(overdue) < resources.batch_rows:
            return tally


async def _overdue(resources: Resources) -> list[UUID]:
    async with resources.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
        rows = await connection.fetch(queries.OVERDUE_JOBS, resources.max_job_age_seconds, resources.batch_rows)
    return [row["id"] for row in rows]


async def _fail(resources: Resources, job_id: UUID) -> bool:
    error = SafeError(TOO_OLD_CODE, TOO_OLD_MESSAGE, secrets.token_hex(5))
    async with resources.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection, connection.transaction():
        job = await lock_job(connection, job_id)
        failed = job is not None and await fail_job(connection, job, error, resources.topics)
    if failed:
        log.error("Job failed", action="job_failed", job_id=str(job_id), code=error.code, reference=error.reference)
    return failed
