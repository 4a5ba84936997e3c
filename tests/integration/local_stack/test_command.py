"""The command `stack` from up to down, with the product's own services on it."""

import re
import subprocess
import sysconfig
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import psutil
import pytest
from typer.testing import CliRunner, Result

from local_stack.environment import read_environment
from local_stack.main import app
from local_stack.ports import is_free
from local_stack.processes import wait_gone
from local_stack.state import read_state


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    stack("down", "--delete", directory=tmp_path)


def stack(*arguments: str, directory: Path) -> Result:
    return CliRunner().invoke(app, [*arguments, "--directory", str(directory)])


def test_from_up_to_down(directory: Path) -> None:
    up = stack("up", "--workers", "2", directory=directory)
    assert up.exit_code == 0, up.stderr
    state = read_state(directory)
    assert state
    family = [psutil.Process(part.pid) for part in state.parts]

    again = stack("up", "--workers", "2", directory=directory)
    assert (again.exit_code, "runs already" in again.stderr) == (0, True)
    other = stack("up", "--workers", "3", directory=directory)
    assert (other.exit_code, "make down" in other.stderr) == (1, True)

    status = stack("status", directory=directory)
    assert status.exit_code == 0
    assert status.stdout.count("running") == 8, "seven parts and the stack"
    assert "export-worker-2 | " in stack("logs", directory=directory).stdout

    token = stack("token", "ada", directory=directory).stdout
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", token)
    url = read_environment(directory)["API_URL"] + "/api/v1/exports"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token.strip()}"})  # noqa: S310
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        assert answer.status == 200

    demo = stack("demo", "--once", directory=directory)
    assert demo.exit_code == 0, demo.stdout + demo.stderr
    assert_proven(demo.stdout)
    assert len(list((directory / "exports").glob("*.csv"))) == 1

    assert stack("down", directory=directory).exit_code == 0
    assert wait_gone(family, 0.5)
    assert all(is_free(part.port) for part in state.parts)
    assert "nothing was running" in stack("down", directory=directory).stderr
    assert stack("status", directory=directory).exit_code == 1


def test_a_stack_of_which_a_part_has_died_is_started_anew(directory: Path) -> None:
    assert stack("up", "--workers", "0", directory=directory).exit_code == 0
    state = read_state(directory)
    assert state
    part = next(part for part in state.parts if part.name == "postgres")
    psutil.Process(part.pid).kill()
    deadline = monotonic() + 20
    while (noticed := read_state(directory)) and noticed.complete and monotonic() < deadline:
        sleep(0.05)

    demo = stack("demo", "--once", directory=directory)
    assert (demo.exit_code, "postgres" in demo.stderr, "Traceback" in demo.stderr) == (1, True, False)
    again = stack("up", "--workers", "0", directory=directory)
    assert (again.exit_code, "postgres" in again.stderr) == (0, True)
    assert stack("status", directory=directory).exit_code == 0


def assert_proven(output: str) -> None:
    proofs = re.findall(r"as of \d\d:\d\d:\d\d: ([\d,]+) rows, ([\d,]+) changes since, (\d+) leaked in", output)
    assert len(proofs) == 1, output
    rows, changes, leaked = (int(number.replace(",", "")) for number in proofs[0])
    assert rows == 890
    assert changes > 0
    assert leaked == 0


@pytest.mark.parametrize("arguments", [("token", "ada"), ("status",), ("logs", "kafka")])
def test_without_a_stack_each_command_says_so(directory: Path, arguments: tuple[str, ...]) -> None:
    done = stack(*arguments, directory=directory)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert re.search("no stack runs|no log", done.stderr)


def test_the_installed_command_names_every_command() -> None:
    program = Path(sysconfig.get_path("scripts")) / "stack"
    shown = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    for command in ("run", "up", "down", "status", "logs", "token", "demo"):
        assert re.search(rf"\b{command}\b", shown)
