"""The states of a job and the only ways between them."""

from enum import StrEnum


class JobStatus(StrEnum):
    """Where a job stands; the last four are terminal for the work, ``expired`` follows ``completed``."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Stage(StrEnum):
    """What a running job is doing: plan, copy, finish."""

    COUNTING = "counting"
    EXPORTING = "exporting"
    UPLOADING = "uploading"


class TaskKind(StrEnum):
    """The unit that a worker claims."""

    PLAN = "plan"
    COPY = "copy"
    FINISH = "finish"


# How a job fails that outgrew MAX_JOB_AGE_SECONDS, whether a worker or the janitor meets it.
TOO_OLD_CODE = "too_old"
TOO_OLD_MESSAGE = "The export could not be finished in time. Please request it again."

UNFINISHED = frozenset({JobStatus.QUEUED, JobStatus.RUNNING})

TRANSITIONS: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.QUEUED: frozenset({JobStatus.RUNNING, JobStatus.FAILED, JobStatus.CANCELLED}),
    JobStatus.RUNNING: frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED}),
    JobStatus.COMPLETED: frozenset({JobStatus.EXPIRED}),
    JobStatus.FAILED: frozenset(),
    JobStatus.CANCELLED: frozenset(),
    JobStatus.EXPIRED: frozenset(),
}


def may_become(current: JobStatus, wanted: JobStatus) -> bool:
    """Tell whether a job may go from one status to the other in one step."""
    return wanted in TRANSITIONS[current]
