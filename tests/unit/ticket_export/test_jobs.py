"""The states of a job."""

from itertools import product

import pytest

from ticket_export.jobs import TRANSITIONS, UNFINISHED, JobStatus, may_become

ALLOWED = {
    ("queued", "running"),
    ("queued", "failed"),
    ("queued", "cancelled"),
    ("running", "completed"),
    ("running", "failed"),
    ("running", "cancelled"),
    ("completed", "expired"),
}


@pytest.mark.parametrize(("current", "wanted"), list(product(JobStatus, JobStatus)))
def test_every_pair(current: JobStatus, wanted: JobStatus) -> None:
    assert may_become(current, wanted) is ((current.value, wanted.value) in ALLOWED)


def test_every_status_is_in_the_table_and_can_be_reached() -> None:
    assert set(TRANSITIONS) == set(JobStatus)
    assert {wanted for group in TRANSITIONS.values() for wanted in group} == set(JobStatus) - {JobStatus.QUEUED}


def test_only_unfinished_jobs_go_on_working() -> None:
    assert {JobStatus.QUEUED, JobStatus.RUNNING} == UNFINISHED
