import os
from pathlib import Path

import psutil
import pytest

from local_stack.processes import Identity
from local_stack.state import Part, Phase, State, forget_state, read_state, write_state


def myself() -> Identity:
    return Identity(os.getpid(), psutil.Process().create_time())


def state(*exit_codes: int | None, phase: Phase = "running") -> State:
    parts = tuple(Part(f"part-{n}", "Part", n, 1, "log", code) for n, code in enumerate(exit_codes))
    return State(myself(), phase, 2, parts)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    write_state(tmp_path, state(None, 3))
    assert read_state(tmp_path) == state(None, 3)


def test_the_state_of_a_dead_supervisor_is_no_state(tmp_path: Path) -> None:
    dead = Identity(os.getpid(), psutil.Process().create_time() - 100)
    write_state(tmp_path, State(dead, "running", 1))
    assert read_state(tmp_path) is None


def test_nothing_is_known_of_what_never_ran_or_has_ended(tmp_path: Path) -> None:
    assert read_state(tmp_path) is None
    write_state(tmp_path, state())
    forget_state(tmp_path)
    assert read_state(tmp_path) is None


@pytest.mark.parametrize(
    ("found", "complete"),
    [
        (state(None, None), True),
        (state(None, 0), False),
        (state(None, None, phase="starting"), False),
        (state(None, None, phase="stopping"), False),
    ],
)
def test_complete_is_when_everything_runs(found: State, complete: bool) -> None:
    assert found.complete is complete


def test_an_exit_code_in_words() -> None:
    assert [part.text for part in state(None, 1, -9).parts] == ["running", "ended with 1", "ended by signal 9"]
