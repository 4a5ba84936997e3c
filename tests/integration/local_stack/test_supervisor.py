"""Whatever ends a stack, nothing of it is left: no process, no listening port, no held lock."""

import contextlib
import fcntl
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from integration.local_stack import small_stack
from local_stack.background import bring_up, take_down
from local_stack.errors import StackError
from local_stack.leftovers import written_down
from local_stack.ports import is_free
from local_stack.processes import kill_tree, wait_gone
from local_stack.state import State, read_state
from local_stack.steps import Silent

POLL_SECONDS = 0.05


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    take_down(tmp_path, delete=True)


def command(directory: Path, *services: str) -> list[str]:
    return [sys.executable, small_stack.__file__, "run", str(directory), *services]


def up(directory: Path, *services: str) -> State:
    bring_up(directory, command(directory, *services), Silent())
    state = read_state(directory)
    assert state
    return state


def processes(state: State) -> list[psutil.Process]:
    parts = [psutil.Process(part.pid) for part in state.parts]
    return [process for part in parts for process in (part, *part.children(recursive=True))]


def assert_nothing_left(directory: Path, state: State, family: list[psutil.Process]) -> None:
    assert wait_gone(family, 0.5), "processes are left"
    assert all(is_free(part.port) for part in state.parts)
    assert read_state(directory) is None
    assert not written_down(directory)
    assert not (directory / "stack.env").exists()
    with (directory / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_up_down_and_down_again(directory: Path) -> None:
    state = up(directory, "plain-1", "plain-2")
    assert state.complete
    assert [part.name for part in state.parts] == ["postgres", "plain-1", "plain-2"]
    assert oct((directory / "stack.env").stat().st_mode)[-3:] == "600"
    family = processes(state)
    assert take_down(directory, delete=False)
    assert_nothing_left(directory, state, family)
    assert not take_down(directory, delete=False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything_that_runs_in_the_foreground(directory: Path, number: signal.Signals) -> None:
    with foreground(directory, "plain", "stubborn") as stack:
        state = read_state(directory)
        assert state
        family = processes(state)
        stack.send_signal(number)
        assert stack.wait(20) == 0
    assert_nothing_left(directory, state, family)


def test_a_signal_during_the_start_ends_what_has_started(directory: Path) -> None:
    with subprocess.Popen(command(directory, "slow-errand"), stdout=subprocess.DEVNULL) as stack:
        while "errand" not in written_down(directory):
            assert stack.poll() is None
            time.sleep(POLL_SECONDS)
        errand = written_down(directory)["errand"].find()
        state = read_state(directory)
        assert state
        assert errand
        stack.send_signal(signal.SIGINT)
        assert stack.wait(20) == 130
    assert_nothing_left(directory, state, [errand])


@contextlib.contextmanager
def foreground(directory: Path, *services: str) -> "Iterator[subprocess.Popen[str]]":
    with subprocess.Popen(command(directory, *services), stdout=subprocess.PIPE, text=True) as stack:
        assert stack.stdout
        for line in stack.stdout:
            if line.strip() == "ready":
                break
        yield stack


def test_a_killed_supervisor_is_recovered_by_the_next_up(directory: Path) -> None:
    killed = up(directory, "plain", "stubborn")
    family = processes(killed)
    kill_alone(killed)
    again = up(directory, "plain", "stubborn")
    assert wait_gone(family, 0.5), "the stubborn one ignores the signal that its parent's death sends"
    assert again.complete
    assert {part.pid for part in again.parts}.isdisjoint(part.pid for part in killed.parts)


def test_a_killed_supervisor_is_cleared_away_by_down(directory: Path) -> None:
    killed = up(directory, "stubborn")
    family = processes(killed)
    kill_alone(killed)
    assert take_down(directory, delete=False)
    assert wait_gone(family, 0.5)
    assert not written_down(directory)


def test_up_works_after_everything_was_killed(directory: Path) -> None:
    killed = up(directory, "plain")
    supervisor = killed.supervisor.find()
    assert supervisor
    supervisor.suspend()  # so that it can't clear up
    for process in processes(killed):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    kill_tree(supervisor)
    assert up(directory, "plain").complete


def kill_alone(state: State) -> None:
    supervisor = state.supervisor.find()
    assert supervisor
    supervisor.kill()
    assert wait_gone([supervisor], 10)


def test_a_service_that_dies_during_the_start_fails_it_with_its_last_words(directory: Path) -> None:
    with pytest.raises(StackError, match=r"broken ended with 1[\s\S]*it was never meant to work"):
        up(directory, "plain", "broken")
    assert read_state(directory) is None
    assert not written_down(directory)


def test_a_service_that_was_ready_and_dies_during_the_start_fails_it_at_once(directory: Path) -> None:
    with pytest.raises(StackError, match="brief ended with 3 during the start") as failure:
        up(directory, "brief", "never-ready")
    assert "did not answer" not in str(failure.value), "the other one was waited for"
    assert not written_down(directory)


def test_a_service_that_dies_later_is_reported_and_the_others_go_on(directory: Path) -> None:
    state = up(directory, "plain-1", "plain-2")
    victim = psutil.Process(state.parts[-1].pid)
    victim.kill()
    assert wait_gone([victim], 10)
    state = wait_for_report(directory, "plain-2")
    assert not state.complete
    assert {part.name: part.text for part in state.parts} == {
        "postgres": "running",
        "plain-1": "running",
        "plain-2": "ended by signal 9",
    }


def wait_for_report(directory: Path, name: str) -> State:
    while True:
        state = read_state(directory)
        assert state
        if next(part for part in state.parts if part.name == name).exit_code is not None:
            return state
        time.sleep(POLL_SECONDS)
