"""Child processes that never outlive us, and that can be found again when we were killed.

On Linux a child is told when the *thread* that forked it ends, so all are forked by one thread that never does.
"""

import atexit
import contextlib
import functools
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import psutil

from local_stack import launch
from local_stack.accounts import Account
from local_stack.errors import StackError

CREATED_TOLERANCE_SECONDS = 1.0  # the clock that it is derived from may be adjusted
KILL_TIMEOUT_SECONDS = 10.0
POLL_SECONDS = 0.01
LOG_TAIL_LINES = 15
FAILURE_CHARACTERS = 2_000


@dataclass(frozen=True)
class Identity:
    """A process, told apart from a later one with the same number by its start (seconds since the epoch)."""

    pid: int
    created: float

    def find(self) -> psutil.Process | None:
        """The process, if it still lives."""
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.created) < CREATED_TOLERANCE_SECONDS and is_alive(process):
                return process
        return None


class Child:
    """One child process and its log file."""

    def __init__(self, name: str, popen: "subprocess.Popen[bytes]", log: Path) -> None:
        self.name = name
        self.log = log
        self._popen = popen
        self.identity = Identity(popen.pid, psutil.Process(popen.pid).create_time())

    @property
    def exit_code(self) -> int | None:
        """None while it runs, else its exit code (minus the signal's number if one ended it)."""
        return self._popen.poll()

    def wait(self) -> int:
        """Wait until it ends; its exit code."""
        return self._popen.wait()

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens if the process has ended."""
        self._popen.send_signal(number)

    def stop(self, number: signal.Signals, timeout_seconds: float) -> None:
        """Ask it to end with the given signal, and kill it when it has not done so in time."""
        self.send(number)
        try:
            self._popen.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL it and whatever it started, and wait until all of them are gone."""
        if self.exit_code is None:
            descendants = _descendants(psutil.Process(self._popen.pid))
            self._popen.kill()
            _kill(descendants)
        self._popen.wait(KILL_TIMEOUT_SECONDS)

    def log_tail(self) -> str:
        """The last lines of its log."""
        return log_tail(self.log)


def log_tail(log: Path, lines: int = LOG_TAIL_LINES) -> str:
    """The last lines of a log file."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join(text.splitlines()[-lines:])


def spawn(
    name: str,
    argv: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str],
    cwd: Path,
    account: Account | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> Child:
    """Start a program in a session of its own (the terminal's Ctrl-C is ours to pass on), appending to `log`."""
    launcher = _launcher(account, death_signal)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:

        def fork() -> "subprocess.Popen[bytes]":
            return subprocess.Popen(  # noqa: S603 -- our own programs
                [*launcher, *argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=cwd,
                start_new_session=True,
            )

        return Child(name, _forked(fork), log)


def run(argv: Sequence[str], *, environment: Mapping[str, str] | None = None, account: Account | None = None) -> str:
    """Run a program to its end; what it printed.

    Raises:
        StackError: it failed; the message ends with its last words.
    """

    def fork() -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603 -- our own programs
            [*_launcher(account, signal.SIGKILL), *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=None if environment is None else dict(environment),
            cwd="/",
            start_new_session=True,
        )

    with _forked(fork) as program:
        _running.add(program)
        printed = program.communicate()[0].decode(errors="replace")
        _running.discard(program)
    if program.returncode != 0:
        raise StackError(f"{' '.join(argv)} failed:\n{printed[-FAILURE_CHARACTERS:]}")
    return printed


_running: "set[subprocess.Popen[bytes]]" = set()


@atexit.register
def _kill_running() -> None:
    """End what a broken-off start was just running, and all that this has started."""
    for program in list(_running):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGKILL)


def _launcher(account: Account | None, death_signal: signal.Signals) -> list[str]:
    identity = f"{account.uid}:{account.gid}" if account else "-"
    return [sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), str(int(death_signal)), identity]


def kill_tree(process: psutil.Process) -> None:
    """SIGKILL a process that is not our child and its descendants, and wait until they are gone."""
    _kill([process, *_descendants(process)])


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.children(recursive=True)
    return []


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    wait_gone(processes, KILL_TIMEOUT_SECONDS)


def wait_gone(processes: list[psutil.Process], timeout_seconds: float) -> bool:
    """Wait until processes that are not our children have ended; False when the time was over first."""
    deadline = time.monotonic() + timeout_seconds
    while any(map(is_alive, processes)):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def is_alive(process: psutil.Process) -> bool:
    """Whether it still runs; one that only waits to be reaped does not, unless other threads of it still end."""
    try:
        return process.is_running() and (process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1)
    except psutil.NoSuchProcess:
        return False


def _forked(fork: "Callable[[], subprocess.Popen[bytes]]") -> "subprocess.Popen[bytes]":
    answer: Future[subprocess.Popen[bytes]] = Future()
    _forks(os.getpid()).put((fork, answer))
    return answer.result()


@functools.cache
def _forks(pid: int) -> "queue.SimpleQueue[_Fork]":  # noqa: ARG001 -- a fork of this process needs a thread of its own
    forks: queue.SimpleQueue[_Fork] = queue.SimpleQueue()
    threading.Thread(target=_fork_for_ever, args=(forks,), name="fork", daemon=True).start()
    return forks


def _fork_for_ever(forks: "queue.SimpleQueue[_Fork]") -> None:
    while True:
        fork, answer = forks.get()
        try:
            answer.set_result(fork())
        except OSError as exc:
            answer.set_exception(exc)


_Fork = tuple[Callable[[], "subprocess.Popen[bytes]"], "Future[subprocess.Popen[bytes]]"]
