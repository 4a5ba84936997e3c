"""What a step says about itself."""

import pytest

from janitor.run import Report
from janitor.tally import PATIENCE_SECONDS, Tally
from ticket_export.storage.errors import StorageRefusedError, StorageUnavailableError


def fail(error: Exception) -> None:
    raise error


def test_a_failed_item_is_counted_and_the_step_goes_on() -> None:
    tally = Tally("delete_files")
    for error in (
        StorageRefusedError("DeleteObject", 403, "AccessDenied"),
        StorageUnavailableError("x"),
        TimeoutError(),
    ):
        with tally.item(file_id="1"):
            fail(error)
    assert (tally.done, tally.failed) == (0, 3)
    assert not tally.impatient


def test_a_fault_of_ours_is_not_swallowed() -> None:
    tally = Tally("delete_files")
    with pytest.raises(ZeroDivisionError), tally.item():
        raise ZeroDivisionError
    assert tally.failed == 0


def test_a_store_that_does_not_answer_ends_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    tally = Tally("delete_files")
    clock = iter([0.0, PATIENCE_SECONDS - 1, 100.0, 101.0])
    monkeypatch.setattr("janitor.tally.time.monotonic", lambda: next(clock))
    impatient = []
    for _ in range(2):
        with tally.item():
            fail(StorageUnavailableError("S3 did not answer DeleteObject"))
        impatient.append(tally.impatient)
    assert impatient == [False, True]


def test_a_report_is_complete_when_nothing_is_left() -> None:
    assert Report((Tally("a", done=2), Tally("b"))).complete
    report = Report((Tally("a", done=2), Tally("b", failed=1)))
    assert not report.complete
    assert report.summary() == {"a": 2, "b": 0, "left": 1}
