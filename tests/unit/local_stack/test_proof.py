import hashlib
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from local_stack.proof.client import Job, PartsDigest
from local_stack.proof.leaks import HEADER, Verdict, differences, guarded, read_csv
from local_stack.proof.progress import ProgressBar
from local_stack.proof.story import proof_line

A, B, C = ("1", "a"), ("2", "b"), ("3", "c")


def parts_digest(*parts: bytes) -> str:
    joined = b"".join(hashlib.sha256(part).digest() for part in parts)
    return f"sha256-parts:{hashlib.sha256(joined).hexdigest()}"


@pytest.mark.parametrize("step", [1, 2, 3, 5, 100])
def test_the_digest_does_not_depend_on_how_the_bytes_arrive(step: int) -> None:
    data = b"first-second-third"
    digest = PartsDigest([6, 7, 5])
    for start in range(0, len(data), step):
        digest.update(data[start : start + step])
    assert str(digest) == parts_digest(b"first-", b"second-", b"third")


@pytest.mark.parametrize("data", [b"first-second-thir", b"first-second-third!", b"first-Second-third"])
def test_other_bytes_have_another_digest(data: bytes) -> None:
    digest = PartsDigest([6, 7, 5])
    digest.update(data)
    assert str(digest) != parts_digest(b"first-", b"second-", b"third")


@pytest.mark.parametrize(
    ("actual", "leaked"),
    [
        ([A, B, C], 0),
        ([A, B], 1),
        ([A, B, C, ("4", "d")], 1),
        ([A, ("2", "changed"), C], 1),
        ([A, B, B, C], 1),
        ([], 3),
        ([B, A, C], 2),
    ],
)
def test_rows_that_differ_are_counted_once(actual: list[tuple[str, ...]], leaked: int) -> None:
    assert differences(actual, [A, B, C]) == leaked


def test_formulas_are_expected_with_an_apostrophe() -> None:
    cells = ("=1+1", "+1-1", "-12.5", "+441234567890", "@x", "＝1", "\tx", "plain", "", "a=1")
    assert guarded(cells) == ("'=1+1", "'+1-1", "-12.5", "+441234567890", "'@x", "'＝1", "'\tx", "plain", "", "a=1")


def test_a_file_with_byte_order_mark_quotes_and_line_breaks_is_read(tmp_path: Path) -> None:
    file = tmp_path / "file.csv"
    quoted = ",".join(f'"{label}"' for label in HEADER)
    file.write_bytes(f'\ufeff{quoted}\n"1","two\nlines","say ""hi""",,"","","",""\n'.encode())
    header, rows = read_csv(file)
    assert header == HEADER
    assert rows == [("1", "two\nlines", 'say "hi"', "", "", "", "", "")]


def test_the_proof_in_one_line() -> None:
    line = proof_line(Verdict(890, 412, 0), "2026-11-23T15:03:22.9+01:00")
    assert line == "as of 14:03:22: 890 rows, 412 changes since, 0 leaked in"


@pytest.mark.parametrize(
    ("verdict", "good"), [(Verdict(890, 412, 0), True), (Verdict(890, 412, 1), False), (Verdict(890, 0, 0), False)]
)
def test_a_proof_needs_changes_and_no_leak(verdict: Verdict, good: bool) -> None:
    assert verdict.good is good


def test_the_bar_ignores_what_comes_late_and_ends_with_the_apis_word() -> None:
    bar = ProgressBar(Console(file=StringIO()))
    event = {"stage": "exporting", "rows_total": 890, "bytes_done": 10}
    bar.take({**event, "sequence": 3, "rows_done": 500})
    bar.take({**event, "sequence": 2, "rows_done": 100})
    task = bar.task
    assert (task.completed, task.description, task.fields["events"]) == (500, "exporting", 1)
    bar.end(
        Job({"id": "x", "status": "completed", "progress": {"rows_total": 890, "rows_done": 890, "bytes_done": 99}})
    )
    assert (bar.task.completed, bar.task.description) == (890, "completed")
