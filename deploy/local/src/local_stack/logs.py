"""Shows the stack's log files."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from local_stack.errors import StackError

POLL_SECONDS = 0.2
TAIL_LINES = 20
# What a user chose as a name must not steer the reader's terminal.
_HARMLESS = dict.fromkeys((*range(9), *range(11, 32), *range(127, 160)), "�")


def known_logs(directory: Path) -> dict[str, Path]:
    """The log files by name."""
    return {path.stem: path for path in sorted((directory / "logs").glob("*.log"))}


def show_logs(directory: Path, name: str | None, *, output: IO[str], follow: bool) -> None:
    """Print the end of one log, or of each; with `follow` also what is added, until interrupted.

    Raises:
        StackError: there is no such log.
    """
    logs = known_logs(directory)
    if name is not None and name not in logs:
        raise StackError(f"no log {name!r}; there are: {', '.join(logs) or 'none'}")
    chosen = logs if name is None else {name: logs[name]}
    with ExitStack() as files:
        tails = [
            _Tail("" if name else f"{each} | ", files.enter_context(path.open(errors="replace")), output)
            for each, path in chosen.items()
        ]
        for tail in tails:
            tail.show_end()
        while follow:
            time.sleep(POLL_SECONDS)
            for tail in tails:
                tail.show_new()


class _Tail:
    def __init__(self, prefix: str, file: IO[str], output: IO[str]) -> None:
        self._prefix = prefix
        self._file = file
        self._output = output

    def show_end(self) -> None:
        """Print the last lines."""
        self._print(self._file.readlines()[-TAIL_LINES:])

    def show_new(self) -> None:
        """Print the lines that were added."""
        self._print(self._file.readlines())

    def _print(self, lines: list[str]) -> None:
        for line in lines:
            self._output.write(f"{self._prefix}{line.rstrip().translate(_HARMLESS)}\n")
        self._output.flush()
