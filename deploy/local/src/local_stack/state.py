"""What the supervisor says of itself, for `stack status`, `up` and `down` in other processes."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from local_stack.credentials import write_private
from local_stack.processes import Identity

Phase = Literal["starting", "running", "stopping"]
STATE_FILE = "state.json"


@dataclass(frozen=True)
class Part:
    """A server or service, as it was when last looked at."""

    name: str
    title: str
    pid: int
    port: int
    log: str
    exit_code: int | None

    @property
    def text(self) -> str:
        """Its state in words."""
        if self.exit_code is None:
            return "running"
        return f"ended by signal {-self.exit_code}" if self.exit_code < 0 else f"ended with {self.exit_code}"


@dataclass(frozen=True)
class State:
    """A stack, as its supervisor last wrote it down."""

    supervisor: Identity
    phase: Phase
    workers: int
    parts: tuple[Part, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether everything runs."""
        return self.phase == "running" and all(part.exit_code is None for part in self.parts)

    @property
    def dead(self) -> str:
        """The names of what has died, for people."""
        return ", ".join(part.name for part in self.parts if part.exit_code is not None)


def write_state(directory: Path, state: State) -> None:
    """Replace what is written down for the directory."""
    write_private(directory / STATE_FILE, json.dumps(asdict(state), indent=1))


def read_state(directory: Path) -> State | None:
    """The state of the stack that runs in the directory; None if none does, whatever is written down."""
    path = directory / STATE_FILE
    if not path.exists():
        return None
    found = json.loads(path.read_text())
    supervisor = Identity(**found.pop("supervisor"))
    if supervisor.find() is None:
        return None
    parts = tuple(Part(**part) for part in found.pop("parts"))
    return State(supervisor=supervisor, parts=parts, **found)


def forget_state(directory: Path) -> None:
    """Nothing runs any more."""
    (directory / STATE_FILE).unlink(missing_ok=True)
