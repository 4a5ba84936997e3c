"""Keeps a stack running until it is told to stop, and says in the state file how its parts are.

All that can happen (a signal, a part that ended, the start's outcome, the end of the work) arrives in one queue,
in the main thread. A part that ends while the stack runs is reported and left so: the others go on.
"""

import os
import queue
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TypeVar

import psutil

from local_stack.environment import ENVIRONMENT_FILE, SIGNING_KEY_FILE
from local_stack.errors import StackError
from local_stack.locks import owned
from local_stack.parallel import in_background
from local_stack.processes import Identity, log_tail
from local_stack.servers import Server
from local_stack.stack import Plan, Stack
from local_stack.state import Part, Phase, State, forget_state, write_state
from local_stack.steps import Steps

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = 130
T = TypeVar("T")


@dataclass(frozen=True)
class Signalled:
    """Somebody wants us to stop."""

    number: int


@dataclass(frozen=True)
class Came:
    """The start is over, well or not."""

    error: BaseException | None


@dataclass(frozen=True)
class Ended:
    """A part's process has ended."""

    part: Server


@dataclass(frozen=True)
class Worked:
    """The work that the stack was started for is over."""

    exit_code: int | None
    error: BaseException | None = None


@dataclass(frozen=True)
class Closed:
    """Everything has ended."""

    error: BaseException | None


Happening = Signalled | Came | Ended | Worked | Closed


class Supervisor:
    """One run of a stack, from its start to its end."""

    def __init__(self, directory: Path, plan: Plan, workers: int, steps: Steps, tell: Callable[[str], None]) -> None:
        self.directory = directory
        self._workers = workers
        self._tell = tell
        self._happenings: queue.SimpleQueue[Happening] = queue.SimpleQueue()
        self._phase: Phase = "starting"
        self._stack = Stack(directory, plan, steps, self._watch)

    def run(self, on_ready: Callable[[], None], work: Callable[[], int | None] | None = None) -> int:
        """Start the stack, keep it until told to stop or the work answers an exit code, and end it.

        Raises:
            DirectoryInUseError: another process runs a stack there.
        """
        with owned(self.directory), _signals_into(self._happenings):
            self._write_state()
            self._in_background(self._stack.start, lambda _, error: Came(error))
            try:
                return self._live(on_ready, work)
            finally:
                self._end()

    def _live(self, on_ready: Callable[[], None], work: Callable[[], int | None] | None) -> int:
        while True:
            match self._happenings.get():
                case Signalled():
                    return 0 if self._phase == "running" and work is None else INTERRUPTED
                case Came(None):
                    self._phase = "running"
                    self._write_state()
                    on_ready()
                    if work:
                        self._in_background(work, Worked)
                case Ended(part) if self._phase == "running":
                    self._write_state()
                    self._tell(
                        f"{part.title} {describe(part).text}; the rest goes on. {part.log} says:\n{log_tail(part.log)}"
                    )
                case Ended(part):
                    self._tell(
                        f"{part.title} {describe(part).text} during the start. {part.log} says:\n{log_tail(part.log)}"
                    )
                    return 1
                case Worked(exit_code, None):
                    if exit_code is not None:
                        return exit_code
                    work = None
                case Came(error) | Worked(_, error):
                    self._tell(_message(error))
                    return 1

    def _end(self) -> None:
        """Stop everything in the orderly way; at once when somebody asks a second time."""
        self._phase = "stopping"
        self._write_state()
        self._in_background(self._stack.close, lambda _, error: Closed(error))
        while not isinstance(happening := self._happenings.get(), Closed):
            if isinstance(happening, Signalled):
                self._stack.kill()
        (self.directory / ENVIRONMENT_FILE).unlink(missing_ok=True)
        (self.directory / SIGNING_KEY_FILE).unlink(missing_ok=True)
        forget_state(self.directory)
        if happening.error:
            raise happening.error

    def _watch(self, part: Server) -> None:
        def wait() -> None:
            part.wait()
            self._happenings.put(Ended(part))

        in_background(wait)

    def _in_background(
        self, call: Callable[[], T], outcome: Callable[[T | None, BaseException | None], Happening]
    ) -> None:
        def run() -> None:
            try:
                happening = outcome(call(), None)
            except BaseException as exc:  # noqa: BLE001 -- told by the main thread
                happening = outcome(None, exc)
            self._happenings.put(happening)

        in_background(run)

    def _write_state(self) -> None:
        myself = Identity(os.getpid(), psutil.Process().create_time())
        parts = tuple(describe(part) for part in self._stack.parts)
        write_state(self.directory, State(myself, self._phase, self._workers, parts))


def describe(part: Server) -> Part:
    """How a part is now."""
    pid = part.identity.pid if part.identity else 0
    return Part(part.name, part.title, pid, part.port, str(part.log), part.exit_code)


@contextmanager
def _signals_into(happenings: "queue.SimpleQueue[Happening]") -> Iterator[None]:
    """Turn signals into happenings; putting into a SimpleQueue is safe in a signal handler."""

    def handle(number: int, _: FrameType | None) -> None:
        happenings.put(Signalled(number))

    before = {number: signal.signal(number, handle) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _message(error: BaseException | None) -> str:
    if isinstance(error, StackError):
        return str(error)
    return "".join(traceback.format_exception(error))
