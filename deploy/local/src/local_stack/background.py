"""The stack in the background: started by one command, stopped by another."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psutil

from local_stack.accounts import delete_outside
from local_stack.errors import StackError
from local_stack.leftovers import end_leftovers
from local_stack.locks import owned
from local_stack.processes import kill_tree, wait_gone
from local_stack.reports import Replay
from local_stack.state import State, read_state
from local_stack.steps import Steps

SUPERVISOR_LOG = "stack.log"
STOP_TIMEOUT_SECONDS = 60.0
KEPT_BY_DELETE = ("exports",)


def bring_up(directory: Path, argv: Sequence[str], steps: Steps) -> None:
    """Start a supervisor that outlives us with `argv` and the reporting end of a pipe; return when all is ready.

    Raises:
        StackError: it did not come up; nothing is left running.
    """
    (directory / "logs").mkdir(parents=True, exist_ok=True)
    reading, writing = os.pipe()
    with (directory / "logs" / SUPERVISOR_LOG).open("ab") as log, os.fdopen(reading) as reports:
        supervisor = subprocess.Popen(  # noqa: S603 -- ourselves
            [*argv, "--report-to", str(writing)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[writing],
            start_new_session=True,
        )
        os.close(writing)
        replay = Replay(steps)
        try:
            ready = replay.follow(reports)
        except KeyboardInterrupt:
            supervisor.send_signal(signal.SIGTERM)
            supervisor.wait()
            raise
    if not ready:
        supervisor.wait()
        raise StackError("\n".join(replay.messages) or f"the stack did not start; see {log.name}")
    supervisor.returncode = 0  # it goes on without us; nobody here waits for it


def take_down(directory: Path, *, delete: bool) -> bool:
    """Stop the stack of the directory, or what a killed one left; whether anything ran."""
    state = read_state(directory)
    ran = state is not None and _stop(state)
    if not directory.exists():
        return ran
    with owned(directory):
        ran = bool(end_leftovers(directory)) or ran
        if delete:
            _delete(directory)
    return ran


def _stop(state: State) -> bool:
    process = state.supervisor.find()
    if process is None:
        return False
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGTERM)
    if not wait_gone([process], STOP_TIMEOUT_SECONDS):
        kill_tree(process)
    return True


def _delete(directory: Path) -> None:
    delete_outside(directory)
    for entry in directory.iterdir():
        if entry.name in KEPT_BY_DELETE:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
