"""What a killed owner left running: written down at each start, ended before the next one."""

import json
from dataclasses import asdict
from pathlib import Path

from local_stack.processes import Child, Identity, kill_tree


def write_down(directory: Path, child: Child) -> None:
    """Remember a child of the owner of `directory`."""
    path = _path(directory, child.name)
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(asdict(child.identity)))
    part.replace(path)


def strike_out(directory: Path, name: str) -> None:
    """Forget a child that has ended."""
    _path(directory, name).unlink(missing_ok=True)


def written_down(directory: Path) -> dict[str, Identity]:
    """The children that were started and not yet seen to end, by name."""
    return {path.stem: Identity(**json.loads(path.read_text())) for path in (directory / "run").glob("*.json")}


def end_leftovers(directory: Path) -> list[str]:
    """End what an earlier owner of `directory` left running; the names of those that still ran."""
    ended = []
    for name, identity in written_down(directory).items():
        process = identity.find()
        if process:
            kill_tree(process)
            ended.append(name)
        strike_out(directory, name)
    return ended


def _path(directory: Path, name: str) -> Path:
    return directory / "run" / f"{name}.json"
