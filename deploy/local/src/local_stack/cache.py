"""Downloads and builds, once per user: an entry is either complete and under its final name, or not there."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from local_stack.locks import locked


def cache_directory() -> Path:
    """Where this user's downloads and builds are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    return Path(base) / "ticket-export"


def cached(name: str, fill: Callable[[Path], None], *, root: Path | None = None) -> Path:
    """The directory `name` of the cache, filled by `fill` if nobody has done so yet.

    `fill` writes into a directory beside it, which gets its name when `fill` has returned: what a killed
    process left behind is swept by the next one, never used. Several processes may ask at once; one fills.
    """
    root = root or cache_directory()
    target = root / name
    if target.is_dir():
        return target
    with locked(root / f".{name}.lock"):
        if not target.is_dir():
            _fill(target, fill)
    return target


def _fill(target: Path, fill: Callable[[Path], None]) -> None:
    prefix = f".{target.name}.part-"
    for leftover in target.parent.glob(f"{prefix}*"):
        shutil.rmtree(leftover)
    part = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
    try:
        fill(part)
        part.chmod(0o755)
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
