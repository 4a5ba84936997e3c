"""Named places where a fault test may stop a process: a facility for tests, which does nothing in production.

Without FAILPOINTS in the environment ``failpoint`` returns at once. With it, the variable names a directory. Whoever
reaches the place ``n`` and finds a file ``n`` there takes it (it is renamed to ``n.reached``, so exactly one process
meets it) and does what the file says:

- ``kill``: ends itself by SIGKILL
- ``stop``: stops itself by SIGSTOP, until somebody sends SIGCONT
- ``wait``: goes on when ``n.reached`` is gone
"""

import asyncio
import os
import signal
from pathlib import Path

from ticket_export.telemetry import get_logger

VARIABLE = "FAILPOINTS"
POLL_SECONDS = 0.02

_DIRECTORY = os.environ.get(VARIABLE) or None

log = get_logger(__name__)


async def failpoint(name: str) -> None:
    """Do what a test has asked for at this place; nothing otherwise."""
    if _DIRECTORY is None:
        return
    armed = Path(_DIRECTORY, name)
    reached = armed.with_name(f"{name}.reached")
    action = _take(armed, reached)
    if action is not None:
        log.warning("A failpoint was reached", action="failpoint", failpoint=name, does=action)
        await _act(action, reached)


def _take(armed: Path, reached: Path) -> str | None:
    try:
        action = armed.read_text(encoding="utf-8").strip()
        armed.rename(reached)
    except FileNotFoundError:
        return None
    return action


async def _act(action: str, reached: Path) -> None:
    match action:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "wait":
            await _released(reached)
        case _:
            raise ValueError(f"a failpoint cannot {action!r}")


async def _released(reached: Path) -> None:
    # Another process removes the file: there is nothing to await but its absence.
    while reached.exists():  # noqa: ASYNC110, ASYNC240
        await asyncio.sleep(POLL_SECONDS)
