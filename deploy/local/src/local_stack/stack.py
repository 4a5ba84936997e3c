"""Whatever runs for one directory, brought up in the order that a plan says and ended in reverse.

Each process is written down when it is started, so that nothing can be left running: not by a failure, not by a
start that is broken off, and not by a SIGKILL of this process, after which the next start ends the leftovers.
"""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from local_stack.errors import StackError
from local_stack.leftovers import end_leftovers, strike_out, write_down
from local_stack.parallel import all_in_parallel, in_parallel
from local_stack.ports import PortBook
from local_stack.processes import spawn
from local_stack.servers import Server
from local_stack.steps import Steps


class Stack:
    """The servers and services of one directory; its caller owns the directory."""

    def __init__(self, directory: Path, plan: "Plan", steps: Steps, on_started: Callable[[Server], None]) -> None:
        self.directory = directory
        self.steps = steps
        self._plan = plan
        self._on_started = on_started
        self._groups: list[tuple[Server, ...]] = []
        self._closing = False
        self._lock = threading.Lock()

    @property
    def parts(self) -> list[Server]:
        """All servers and services that were started so far."""
        with self._lock:
            return [part for group in self._groups for part in group if part.identity]

    def start(self) -> None:
        """End what a killed owner left, then do what the plan says.

        Raises:
            StackError: something did not come up, or the stack was closed meanwhile.
        """
        end_leftovers(self.directory)
        self._plan(self, PortBook(self.directory))

    def start_together(self, *parts: Server) -> None:
        """Start servers or services at the same time."""
        with self._lock:
            self._refuse_when_closing()
            self._groups.append(parts)

        def start(part: Server) -> None:
            with self.steps.step(f"{part.title}: starting"):
                part.start()
            self._on_started(part)

        in_parallel(*(lambda part=part: start(part) for part in parts))

    def run_errand(self, name: str, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        """Run a program to its end.

        Raises:
            StackError: it failed; the message ends with its last words.
        """
        log = self.directory / "logs" / f"{name}.log"
        with self._lock:
            self._refuse_when_closing()
            child = spawn(name, argv, log=log, environment=os.environ | dict(environment), cwd=self.directory)
            write_down(self.directory, child)
        exit_code = child.wait()
        strike_out(self.directory, name)
        if exit_code != 0:
            raise StackError(f"{name} ended with {exit_code}; {log} says:\n{child.log_tail()}")

    def close(self) -> None:
        """End everything, what came last first; what a start in another thread is just starting, too."""
        with self._lock:
            self._closing = True
        for group in reversed(self._groups):
            all_in_parallel(*(part.close for part in group))
        end_leftovers(self.directory)

    def kill(self) -> None:
        """End everything at once."""
        with self._lock:
            self._closing = True
        end_leftovers(self.directory)

    def _refuse_when_closing(self) -> None:
        if self._closing:
            raise StackError("the stack was stopped")


Plan = Callable[[Stack, PortBook], None]
