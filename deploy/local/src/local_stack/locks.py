"""Advisory file locks: the kernel lets go of them when their holder dies, so none is ever stale."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_stack.errors import DirectoryInUseError


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the exclusive lock on `path`, waiting for it as long as it takes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def owned(directory: Path) -> Iterator[None]:
    """Own `directory` for as long as the block runs.

    Raises:
        DirectoryInUseError: another live process owns it.
    """
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise DirectoryInUseError(f"{directory} is in use by another running stack") from exc
        yield
    finally:
        os.close(descriptor)
