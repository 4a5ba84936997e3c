"""PostgreSQL refuses to run as root: as root it gets an unprivileged account, and places that this account can reach.

That is the account `postgres`, or `nobody` where there is none. What it can't reach where it is (a checkout, a virtual
environment or a temporary directory below a 0700 directory) goes below /var/lib/ticket-export: a copy of the programs,
and a data directory for each stack. The programs stay, like any cache; `stack down --delete` deletes the data, a stack
for tests deletes it at its end, and that of a stack whose own directory is gone is swept by the next one.
"""

import contextlib
import hashlib
import json
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

OUTSIDE = Path("/var/lib/ticket-export")
PREFERRED_ACCOUNTS = ("postgres", "nobody")
ORIGIN = "origin.json"


@dataclass(frozen=True)
class Account:
    """An unprivileged account of this machine."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """The account that PostgreSQL runs under when we are root; None when we are not and it runs under ours."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = next(known[name] for name in PREFERRED_ACCOUNTS if name in known)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def can_reach(account: Account | None, path: Path) -> bool:
    """Whether the account may enter the directory, or run the program, at `path`."""
    if account is None:
        return os.access(path, os.X_OK)
    probe = subprocess.run(  # noqa: S603 -- asks the kernel itself: modes, groups and ACLs
        ["/usr/bin/env", "test", "-x", str(path)],
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        cwd="/",
        check=False,
    )
    return probe.returncode == 0


def outside_directory(directory: Path) -> Path:
    """The place for the data of `directory` when the server's account can't reach that one."""
    return OUTSIDE / hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:16]


def make_outside(directory: Path) -> Path:
    """Create that place, with a note whose it is; sweep those whose directory is gone."""
    sweep_outside()
    place = reachable(outside_directory(directory))
    (place / ORIGIN).write_text(json.dumps({"directory": str(directory.resolve())}))
    return place


def reachable(path: Path) -> Path:
    """A directory below `OUTSIDE`, or that one, made so that everyone may enter it, whatever the umask is."""
    path.mkdir(parents=True, exist_ok=True)
    for each in (OUTSIDE, path):
        each.chmod(0o755)
    return path


def delete_outside(directory: Path) -> None:
    """Delete that place, if there is one."""
    shutil.rmtree(outside_directory(directory), ignore_errors=True)
    with contextlib.suppress(OSError):
        OUTSIDE.rmdir()


def sweep_outside() -> None:
    """Delete data whose directory was deleted: nobody can ask for it any more."""
    for note in OUTSIDE.glob(f"*/{ORIGIN}"):
        with contextlib.suppress(OSError, ValueError):  # another process may be at it
            if not Path(json.loads(note.read_text())["directory"]).exists():
                shutil.rmtree(note.parent, ignore_errors=True)
