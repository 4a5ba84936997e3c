"""A start in another process, told through a pipe: a JSON object per line."""

import contextlib
import json
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import IO

from local_stack.steps import Step, Steps


class Reporter:
    """The end of the pipe at the process that starts the stack; the reader may be gone, that is no error."""

    def __init__(self, descriptor: int) -> None:
        self._pipe = os.fdopen(descriptor, "w", buffering=1)
        self._lock = threading.Lock()
        self._steps = 0

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Report the step's begin and end."""
        with self._lock:
            self._steps += 1
            number = self._steps
        self._write(begun=number, title=title)
        ok = False
        try:
            yield _ReportedStep(self, number)
            ok = True
        finally:
            self._write(ended=number, ok=ok)

    def tell(self, message: str) -> None:
        """Report something in words."""
        self._write(message=message)

    def ready(self) -> None:
        """Report that all is up; nothing is reported after that."""
        self._write(ready=True)
        self.close()

    def close(self) -> None:
        """Let go of the pipe."""
        with self._lock, contextlib.suppress(OSError):
            self._pipe.close()

    def _write(self, **report: object) -> None:
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._pipe.write(json.dumps(report) + "\n")

    def detail(self, number: int, text: str) -> None:
        """Report how far a step is."""
        self._write(step=number, detail=text)


@dataclass(frozen=True)
class _ReportedStep:
    reporter: Reporter
    number: int

    def tell(self, detail: str) -> None:
        """Report how far it is."""
        self.reporter.detail(self.number, detail)


@dataclass
class Replay:
    """The reader's end: tells the reported steps as if they were made here."""

    steps: Steps
    messages: list[str] = field(default_factory=list)

    def follow(self, pipe: IO[str]) -> bool:
        """Follow until the stack is ready; False when its process ended first."""
        open_steps: dict[int, tuple[ExitStack, Step]] = {}
        for line in pipe:
            report = json.loads(line)
            if "ready" in report:
                return True
            self._take(report, open_steps)
        return False

    def _take(self, report: dict[str, object], open_steps: "dict[int, tuple[ExitStack, Step]]") -> None:
        match report:
            case {"begun": int(number), "title": str(title)}:
                stack = ExitStack()
                open_steps[number] = (stack, stack.enter_context(self.steps.step(title)))
            case {"step": int(number), "detail": str(detail)}:
                open_steps[number][1].tell(detail)
            case {"ended": int(number), "ok": bool(ok)}:
                _end(open_steps.pop(number)[0], ok=ok)
            case {"message": str(message)}:
                self.messages.append(message)


class _FailedElsewhereError(Exception):
    """Marks a step as failed; the reason is reported apart."""


def _end(stack: ExitStack, *, ok: bool) -> None:
    with contextlib.suppress(_FailedElsewhereError), stack:
        if not ok:
            raise _FailedElsewhereError
