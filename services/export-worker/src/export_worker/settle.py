"""How a task ends that did not reach its result: given back with a pause, planned again, or its job failed."""

import secrets
from uuid import UUID

from uuid6 import uuid7

from export_worker import queries
from export_worker.documents import ClaimedTask, Plan, PlanHints
from export_worker.errors import AttemptsExhaustedError, CountedError, PermanentError, ReplanError, TaskError
from export_worker.leases import lock_held
from export_worker.settings import WorkerSettings
from ticket_export.backoff import pause_seconds
from ticket_export.database.connection import ACQUIRE_TIMEOUT_SECONDS, Pool
from ticket_export.database.transitions import SafeError, fail_job
from ticket_export.telemetry import get_logger
from ticket_export.topics import Topics

# A plan that fails for what it has learnt needs one more; an object store that loses uploads would need ever more.
MOST_REPLANS = 4

log = get_logger(__name__)


def safe_error(error: TaskError, job_id: UUID) -> SafeError:
    """Return what people may see; the log line with the same reference says the rest."""
    reference = secrets.token_hex(5)
    log.error(
        "Job failed", action="job_failed", job_id=str(job_id), code=error.code, reference=reference, exc_info=error
    )
    return SafeError(error.code, error.safe_message, reference)


async def settle(pool: Pool, settings: WorkerSettings, topics: Topics, task: ClaimedTask, error: TaskError) -> bool:
    """Write what follows from the error, fenced; tell whether the job has failed."""
    exhausted = isinstance(error, CountedError) and task.attempt >= settings.max_attempts
    async with pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection, connection.transaction():
        job = await lock_held(connection, task)
        if isinstance(error, ReplanError) and await connection.fetchval(queries.COUNT_PLANS, job.id) > MOST_REPLANS:
            error = AttemptsExhaustedError(f"planned {MOST_REPLANS} times again; the last time because {error}")
        if isinstance(error, PermanentError) or exhausted:
            return await fail_job(connection, job, safe_error(error, job.id), topics)
        if isinstance(error, ReplanError):
            hints = error.hints.merged(Plan.model_validate_json(job.plan).hints if job.plan else PlanHints())
            await connection.execute(queries.SUPERSEDE_UPLOADS, job.id, task.plan_token)
            await connection.execute(queries.CLEAR_PLAN, job.id, task.plan_token)
            await connection.execute(queries.END_PLAN_TASKS, job.id, task.plan_token)
            await connection.execute(queries.INSERT_REPLAN, uuid7(), job.id, hints.model_dump_json())
            return False
        counts = int(isinstance(error, CountedError))
        pause = pause_seconds(
            task.failures + 1,
            first_seconds=settings.backoff_first_seconds,
            longest_seconds=settings.backoff_longest_seconds,
        )
        await connection.execute(queries.RELEASE_TASK, task.id, task.lease_token, pause, counts, 1)
        return False


async def hand_back(pool: Pool, task: ClaimedTask) -> None:
    """Give a task back at once because this worker stops; it does not count as an attempt."""
    async with pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection, connection.transaction():
        await lock_held(connection, task)
        await connection.execute(queries.RELEASE_TASK, task.id, task.lease_token, 0.0, 0, 0)
