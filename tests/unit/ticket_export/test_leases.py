"""A holder's own deadline always ends before the database's."""

import pytest

from ticket_export import leases
from ticket_export.leases import Deadline, LeaseTerms, boot_time

TERMS = LeaseTerms(lease_seconds=15.0, renewal_seconds=3.0, margin_seconds=3.0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(leases, "boot_time", lambda: now[0])
    return now


def test_it_is_counted_from_before_the_claim_less_the_margin(clock: list[float]) -> None:
    deadline = Deadline.after(990.0, TERMS)
    assert deadline.at == 1002.0
    assert deadline.remaining_seconds == 2.0


def test_a_caller_without_a_lease_takes_so_long_and_no_longer(clock: list[float]) -> None:
    deadline = Deadline.within(10)
    clock[0] = 1009.0
    assert deadline.remaining_seconds == 1.0


def test_it_runs_out(clock: list[float]) -> None:
    deadline = Deadline.after(1000.0, TERMS)
    clock[0] = 1011.5
    assert deadline.remaining_seconds == 0.5
    clock[0] = 1013.0
    assert deadline.remaining_seconds == -1.0


def test_a_renewal_moves_it(clock: list[float]) -> None:
    deadline = Deadline.after(1000.0, TERMS)
    deadline.extend(1003.0, TERMS)
    assert deadline.remaining_seconds == 15.0


def test_an_answer_that_comes_late_never_shortens_it(clock: list[float]) -> None:
    deadline = Deadline.after(1003.0, TERMS)
    deadline.extend(1000.0, TERMS)
    assert deadline.remaining_seconds == 15.0


def test_the_clock_goes_forward() -> None:
    before = boot_time()
    assert boot_time() >= before
    assert Deadline.after(before, TERMS).remaining_seconds == pytest.approx(12.0, abs=1.0)
