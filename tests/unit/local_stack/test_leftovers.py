import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local_stack.leftovers import end_leftovers, strike_out, write_down, written_down
from local_stack.processes import Child, is_alive


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Child]:
    popen = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield Child("sleeper", popen, tmp_path / "sleeper.log")
    popen.kill()
    popen.communicate()


def test_what_was_written_down_is_ended(tmp_path: Path, sleeper: Child) -> None:
    write_down(tmp_path, sleeper)
    assert end_leftovers(tmp_path) == ["sleeper"]
    assert not is_alive(psutil.Process(sleeper.identity.pid))
    assert not written_down(tmp_path)


def test_what_was_struck_out_is_left_alone(tmp_path: Path, sleeper: Child) -> None:
    write_down(tmp_path, sleeper)
    strike_out(tmp_path, "sleeper")
    assert end_leftovers(tmp_path) == []
    assert is_alive(psutil.Process(sleeper.identity.pid))


def test_a_later_process_with_the_same_number_is_left_alone(tmp_path: Path, sleeper: Child) -> None:
    write_down(tmp_path, sleeper)
    note = tmp_path / "run" / "sleeper.json"
    note.write_text(json.dumps({"pid": sleeper.identity.pid, "created": sleeper.identity.created - 60}))
    assert end_leftovers(tmp_path) == []
    assert is_alive(psutil.Process(sleeper.identity.pid))
    assert not written_down(tmp_path)


def test_a_note_that_was_being_written_is_no_note(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "half.part").write_text('{"pid": ')
    assert end_leftovers(tmp_path) == []


def test_the_dead_are_gone(tmp_path: Path, sleeper: Child) -> None:
    sleeper.kill()
    write_down(tmp_path, sleeper)
    assert end_leftovers(tmp_path) == []
    assert sleeper.identity.find() is None
    assert sleeper.identity.pid != os.getpid()
