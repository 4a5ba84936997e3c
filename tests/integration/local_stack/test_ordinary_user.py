"""Root is not needed: an ordinary account runs everything, and everything it runs is its own."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import local_stack
from local_stack.accounts import Account, can_reach
from local_stack.cache import cache_directory
from local_stack.downloads.postgres import postgres_files
from local_stack.servers.kafka import kafka_jars
from local_stack.servers.object_store import object_store_program
from local_stack.steps import Silent

PROGRAM = """
import sys, psutil
from pathlib import Path
from local_stack.servers import running_servers
with running_servers(Path(sys.argv[1]), durable=True) as servers:
    for server in servers.all:
        print(server.name, psutil.Process(server.identity.pid).uids().real, flush=True)
"""


@pytest.fixture
def account() -> Account:
    if os.geteuid() != 0:
        me = pwd.getpwuid(os.geteuid())
        return Account(me.pw_name, me.pw_uid, me.pw_gid)
    nobody = pwd.getpwnam("nobody")
    return Account("nobody", nobody.pw_uid, nobody.pw_gid)


@pytest.fixture
def home(account: Account) -> Iterator[Path]:
    """A directory that belongs to the account, with a cache of its own filled from ours."""
    home = Path(tempfile.mkdtemp(prefix="ordinary-"))
    postgres_files(Silent())
    kafka_jars(Silent())
    object_store_program(None, Silent())
    cache = home / "cache" / "ticket-export"
    shutil.copytree(cache_directory(), cache, symlinks=True, ignore=shutil.ignore_patterns(".*"))
    for path in (home, *home.rglob("*")):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
    yield home
    shutil.rmtree(home)


def as_account(account: Account, argv: Sequence[str]) -> list[str]:
    """The command under the account: with the rights to read and search everything if it can't reach our programs."""
    if os.geteuid() != 0:
        return list(argv)
    needed = (Path(sys.base_prefix), Path(sys.executable), Path(local_stack.__file__).parent)
    reading = [] if all(can_reach(account, path) for path in needed) else ["dac_read_search"]
    capabilities = [f"--{kind}-caps=+{','.join(reading)}" for kind in ("inh", "ambient") if reading]
    ids = [f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"]
    return ["setpriv", *ids, *capabilities, *argv]


@pytest.mark.skipif(
    os.geteuid() == 0 and not shutil.which("setpriv"), reason="as root this needs setpriv: apt-get install util-linux"
)
def test_servers_run_under_an_ordinary_account(account: Account, home: Path) -> None:
    assert account.uid != 0
    environment = os.environ | {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    done = subprocess.run(
        as_account(account, [sys.executable, "-c", PROGRAM, str(home / "stack")]),
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    owners = dict(line.split() for line in done.stdout.splitlines())
    assert owners == dict.fromkeys(("postgres", "kafka", "object-store"), str(account.uid))
    data = home / "stack" / "postgres"
    assert data.stat().st_uid == account.uid
    assert oct(data.stat().st_mode)[-3:] == "700"
    assert (home / "stack" / "credentials.json").stat().st_mode & 0o077 == 0
