"""A server as a child process on ports that it keeps: started, stopped, killed and started again at will."""

import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from local_stack.errors import NotReadyError, ServerDiedError, StackError
from local_stack.leftovers import strike_out, write_down
from local_stack.ports import PortBook, is_free
from local_stack.processes import Child, Identity

READY_TIMEOUT_SECONDS = 60.0
POLL_SECONDS = 0.05
BIND_TRIES = 3


class Server(ABC):
    """One server of a stack; its data outlives its process, and the stack too if it is durable."""

    name: str
    title: str
    ports_needed: ClassVar[int] = 1
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    stop_timeout_seconds: float = 15.0

    def __init__(self, directory: Path, ports: PortBook, *, durable: bool) -> None:
        self.directory = directory
        self.durable = durable
        self.log = directory / "logs" / f"{self.name}.log"
        self.ports = ports.reserve(self.name, self.ports_needed)
        self._port_book = ports
        self._child: Child | None = None
        self._was_ready = False
        self._closed = False
        self._spawning = threading.Lock()

    @property
    def port(self) -> int:
        """The loopback port that clients connect to."""
        return self.ports[0]

    @property
    def identity(self) -> Identity | None:
        """Its process, if it was ever started."""
        return self._child.identity if self._child else None

    @property
    def exit_code(self) -> int | None:
        """How its last process ended; None while it runs."""
        return self._child.exit_code if self._child else None

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self._child is not None and self._child.exit_code is None

    def start(self) -> None:
        """Start it, with the data of an earlier run, and return when it answers.

        Raises:
            ServerDiedError: it ended while starting.
            NotReadyError: it did not answer in time.
        """
        if self.running:
            return
        self.prepare()
        for tries_left in reversed(range(BIND_TRIES)):
            try:
                self._start_once()
                break
            except ServerDiedError:
                if self._was_ready or not tries_left or all(map(is_free, self.ports)):
                    raise
                self.ports = self._port_book.replace(self.name)
        self._was_ready = True

    def stop(self) -> None:
        """Ask it to end, in the orderly way, and kill it if it does not."""
        if self._child:
            self._child.stop(self.stop_signal, self.stop_timeout_seconds)
            strike_out(self.directory, self.name)

    def kill(self) -> None:
        """SIGKILL it, as a crash would."""
        if self._child:
            self._child.kill()
            strike_out(self.directory, self.name)

    def wait(self) -> int:
        """Wait until its process ends; its exit code."""
        return self._child.wait() if self._child else 0

    def restart(self) -> None:
        """Stop it and start it again on the same port."""
        self.stop()
        self.start()

    def close(self) -> None:
        """End it for good; a start under way in another thread fails. What is not durable is killed and deleted."""
        with self._spawning:
            self._closed = True
        if self.durable:
            self.stop()
        else:
            self.kill()
            self.delete_data()

    @abstractmethod
    def prepare(self) -> None:
        """Make the data directory, where it is missing, and whatever else the process needs."""

    @abstractmethod
    def spawn(self) -> Child:
        """Start the process."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether a real request is answered now; tries once, within about two seconds."""

    @abstractmethod
    def delete_data(self) -> None:
        """Delete all that the stopped server has stored."""

    def _start_once(self) -> None:
        with self._spawning:
            if self._closed:
                raise StackError(f"{self.name} was closed")
            self._child = self.spawn()
            write_down(self.directory, self._child)
        try:
            wait_until_ready(self._child, self.answers)
        except StackError:
            self.kill()
            raise


def wait_until_ready(child: Child, answers: Callable[[], bool], timeout_seconds: float = READY_TIMEOUT_SECONDS) -> None:
    """Return when `answers` says yes.

    Raises:
        ServerDiedError: the process ended first.
        NotReadyError: the time was over first.
    """
    deadline = time.monotonic() + timeout_seconds
    while not answers():
        if child.exit_code is not None:
            raise ServerDiedError(
                f"{child.name} ended with {child.exit_code} while starting; {child.log} says:\n{child.log_tail()}"
            )
        if time.monotonic() > deadline:
            raise NotReadyError(
                f"{child.name} did not answer within {timeout_seconds:.0f} s; {child.log} says:\n{child.log_tail()}"
            )
        time.sleep(POLL_SECONDS)
