"""Fourth step: jobs that ended longer ago than they are kept are deleted, with their tasks and file rows."""

from janitor import queries
from janitor.resources import Resources
from janitor.tally import Tally
from ticket_export.database.connection import ACQUIRE_TIMEOUT_SECONDS


async def delete_old_jobs(resources: Resources) -> Tally:
    """Delete in batches until a batch is short; the audit log keeps what happened."""
    tally = Tally("delete_old_jobs")
    while True:
        await resources.leadership.keep()
        async with resources.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
            answer: str = await connection.execute(
                queries.DELETE_OLD_JOBS, resources.job_retention_days, resources.batch_rows
            )
        deleted = int(answer.removeprefix("DELETE "))
        tally.done += deleted
        if deleted < resources.batch_rows:
            return tally
