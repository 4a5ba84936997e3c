"""Says what is being done and, when it is done, how long it took."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class Step(Protocol):
    """One thing under way."""

    def tell(self, detail: str) -> None:
        """Say how far it is."""


class Steps(Protocol):
    """Where steps are told of; safe to use from several threads."""

    def step(self, title: str) -> AbstractContextManager[Step]:
        """Tell that `title` is under way for as long as the block runs."""


class Silent:
    """Tells nothing: for tests."""

    def step(self, title: str) -> AbstractContextManager[Step]:  # noqa: ARG002 -- nobody listens
        """Do nothing."""
        return nullcontext(self)

    def tell(self, detail: str) -> None:
        """Do nothing."""


class Terminal:
    """A line with a spinner per step under way, and a line with its seconds for each that is done."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TextColumn("[dim]{task.fields[detail]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Give the terminal back; steps are told as plain lines from now on."""
        self._progress.stop()

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show the step while it runs, then its time or that it failed."""
        task = self._progress.add_task(escape(title), total=None, detail="")
        began = time.monotonic()
        mark = "[red]✗[/]"
        try:
            yield _Line(self._progress, task)
            mark = "[green]✓[/]"
        finally:
            self._progress.remove_task(task)
            self._console.print(f"{mark} {escape(title)} [dim]{time.monotonic() - began:.1f} s[/]", highlight=False)


class _Line:
    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def tell(self, detail: str) -> None:
        self._progress.update(self._task, detail=escape(detail))
