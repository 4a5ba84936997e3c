"""How far a job is, as a figure that never falls and never claims to be done too early: the same in events and answers."""

from datetime import datetime
from math import ceil, floor

from ticket_export.jobs import JobStatus, Stage

_DONE = frozenset({JobStatus.COMPLETED, JobStatus.EXPIRED})
# The last percent belongs to the upload's completion.
_BEFORE_COMPLETION = 99.0
# Before this many seconds an estimate is noise.
_SETTLED_SECONDS = 1.0


def percent_done(status: JobStatus, *, rows_done: int, rows_total: int | None) -> float:
    """Return 0 to 100 with one decimal, rounded down; 100 means that the file is there."""
    if status in _DONE:
        return 100.0
    if rows_total is None:
        return 0.0
    share = min(rows_done / rows_total, 1.0) if rows_total else 1.0
    return floor(share * _BEFORE_COMPLETION * 10) / 10


def eta_seconds(
    stage: Stage | None, *, rows_done: int, rows_total: int | None, started_at: datetime | None, now: datetime
) -> int | None:
    """Return whole seconds until the rows are written, at the pace so far; None while there is no pace."""
    if stage is not Stage.EXPORTING or not rows_total or not rows_done or started_at is None:
        return None
    elapsed = (now - started_at).total_seconds()
    if elapsed < _SETTLED_SECONDS:
        return None
    return ceil(elapsed * max(rows_total - rows_done, 0) / rows_done)
