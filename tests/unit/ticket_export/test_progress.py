"""The percentage never falls and is 100 only when the file is there."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ticket_export.jobs import JobStatus, Stage
from ticket_export.progress import eta_seconds, percent_done

NOW = datetime(2026, 11, 23, tzinfo=UTC)
RUNNING = JobStatus.RUNNING


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_more_rows_never_mean_less_percent_and_the_last_belongs_to_completion(
    first: int, more: int, total: int
) -> None:
    earlier = percent_done(RUNNING, rows_done=first, rows_total=total)
    later = percent_done(RUNNING, rows_done=first + more, rows_total=total)

    assert 0 <= earlier <= later <= 99.0
    assert percent_done(RUNNING, rows_done=first, rows_total=None) <= earlier
    assert later < percent_done(JobStatus.COMPLETED, rows_done=first + more, rows_total=total) == 100.0


def test_it_is_rounded_down() -> None:
    assert percent_done(RUNNING, rows_done=1, rows_total=3) == 33.0
    assert percent_done(RUNNING, rows_done=999_999, rows_total=1_000_000) == 98.9
    assert percent_done(JobStatus.EXPIRED, rows_done=0, rows_total=0) == 100.0


def eta(
    rows_done: int, elapsed: float, *, stage: Stage | None = Stage.EXPORTING, total: int | None = 100
) -> int | None:
    started = NOW - timedelta(seconds=elapsed)
    return eta_seconds(stage, rows_done=rows_done, rows_total=total, started_at=started, now=NOW)


def test_the_estimate_goes_on_at_the_pace_so_far() -> None:
    assert eta(25, 10) == 30
    assert eta(100, 10) == 0
    assert eta(99, 10) == 1


def test_without_a_pace_there_is_no_estimate() -> None:
    assert eta(0, 10) is None
    assert eta(10, 0.5) is None
    assert eta(10, 10, stage=Stage.UPLOADING) is None
    assert eta(10, 10, stage=None) is None
    assert eta(10, 10, total=None) is None
    assert eta_seconds(Stage.EXPORTING, rows_done=1, rows_total=2, started_at=None, now=NOW) is None
