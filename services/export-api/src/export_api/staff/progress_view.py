"""What the status page says of a job, in words and steps. Pure."""

from dataclasses import dataclass
from datetime import timedelta

from export_api.queries.jobs import Job
from export_api.staff.formats import duration, number, plural
from export_api.use_cases.read_exports import may_fetch
from ticket_export.jobs import JobStatus, Stage
from ticket_export.permissions import Person

STEPS = ("Queued", "Counting", "Exporting", "Uploading", "Completed")
_STAGE_STEP = {Stage.COUNTING: 1, Stage.EXPORTING: 2, Stage.UPLOADING: 3}
_HEADLINES = {
    JobStatus.QUEUED: "Waiting for a worker",
    JobStatus.COMPLETED: "Your file is ready",
    JobStatus.FAILED: "The export failed",
    JobStatus.CANCELLED: "The export was cancelled",
    JobStatus.EXPIRED: "The file has expired",
}
_STAGE_HEADLINES = {
    Stage.COUNTING: "Counting tickets",
    Stage.EXPORTING: "Writing the file",
    Stage.UPLOADING: "Finishing the upload",
}
# A page that is opened later must not begin a download by itself.
_FRESH = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Step:
    """One of the five; ``state`` is done, current, ahead or stopped."""

    label: str
    state: str


@dataclass(frozen=True, slots=True)
class ProgressView:
    """The part of the page that moves."""

    job: Job
    headline: str
    steps: tuple[Step, ...]
    percent: float
    detail: str
    ended: bool
    may_download: bool
    starts_by_itself: bool


def progress_view(job: Job, person: Person) -> ProgressView:
    """Tell this person how the job stands."""
    ended = job.status not in {JobStatus.QUEUED, JobStatus.RUNNING}
    may_download = may_fetch(person, job)
    fresh = job.completed_at is not None and job.now - job.completed_at < _FRESH
    return ProgressView(
        job=job,
        headline=_STAGE_HEADLINES[job.stage] if job.stage else _HEADLINES[job.status],
        steps=_steps(job),
        percent=job.percent,
        detail=_detail(job),
        ended=ended,
        may_download=may_download,
        starts_by_itself=may_download and fresh and job.requester_id == person.id,
    )


def _steps(job: Job) -> tuple[Step, ...]:
    if job.status in {JobStatus.COMPLETED, JobStatus.EXPIRED}:
        return tuple(Step(label, "done") for label in STEPS)
    current = _reached_step(job)
    state = "stopped" if job.status in {JobStatus.FAILED, JobStatus.CANCELLED} else "current"
    states = ["done"] * current + [state] + ["ahead"] * (len(STEPS) - current - 1)
    return tuple(Step(label, state) for label, state in zip(STEPS, states, strict=True))


def _reached_step(job: Job) -> int:
    """Return the step that the job is at or, once it has failed, the one that it must have been at."""
    if job.stage:
        return _STAGE_STEP[job.stage]
    if job.rows_total is not None:
        return _STAGE_STEP[Stage.EXPORTING]
    return _STAGE_STEP[Stage.COUNTING] if job.started_at else 0


def _detail(job: Job) -> str:
    if job.status is JobStatus.QUEUED:
        as_of = "the request all the same" if job.snapshot_mode == "exact" else "its start"
        return f"It starts as soon as a worker is free. The file will show the tickets as of {as_of}."
    if job.rows_total is None:
        return ""
    if job.status in {JobStatus.COMPLETED, JobStatus.EXPIRED}:
        return plural(job.rows_total, "row", "rows")
    rows = f"{number(job.rows_done)} of {plural(job.rows_total, 'row', 'rows')}"
    if job.status is not JobStatus.RUNNING:
        return rows
    parts = [rows, f"{job.percent:.0f} %"]
    if job.eta_seconds is not None:
        parts.append(f"about {duration(job.eta_seconds)} left")
    return " · ".join(parts)
