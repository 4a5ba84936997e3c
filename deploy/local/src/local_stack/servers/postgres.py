"""PostgreSQL 18 with ICU, never as root, over TCP on loopback only."""

import asyncio
import contextlib
import os
import shutil
import signal
from pathlib import Path
from typing import ClassVar

import asyncpg
import psutil

from local_stack.accounts import OUTSIDE, Account, can_reach, delete_outside, make_outside, reachable, server_account
from local_stack.cache import cached
from local_stack.credentials import write_private
from local_stack.ports import LOOPBACK, PortBook
from local_stack.processes import Child, kill_tree, run, spawn
from local_stack.servers.addresses import PostgresAddress
from local_stack.servers.probes import converse
from local_stack.servers.server import Server

SUPERUSER = "postgres"
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}
THROWAWAY_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
CONNECT_TIMEOUT_SECONDS = 2.0


class Postgres(Server):
    """A PostgreSQL server."""

    name = "postgres"
    title = "PostgreSQL"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # "fast": ends sessions, then shuts down cleanly

    def __init__(self, directory: Path, ports: PortBook, *, durable: bool, files: Path, password: str) -> None:
        super().__init__(directory, ports, durable=durable)
        self._password = password
        self._account = server_account()
        self._programs = reachable_files(files, self._account) / "bin"
        self.data = data_directory(directory, self._account)

    @property
    def address(self) -> PostgresAddress:
        """Where it is reached."""
        return PostgresAddress(LOOPBACK, self.port, SUPERUSER, self._password)

    def prepare(self) -> None:
        """Make the cluster on the first start; end what still runs on its data on a later one."""
        if (self.data / "PG_VERSION").exists():
            end_processes_in(self.data)
        else:
            self._make_cluster()

    def spawn(self) -> Child:
        """Start the postmaster."""
        settings = SETTINGS | ({} if self.durable else THROWAWAY_SETTINGS) | {"port": str(self.port)}
        return spawn(
            self.name,
            [str(self._programs / "postgres"), "-D", str(self.data), *(f"--{k}={v}" for k, v in settings.items())],
            log=self.log,
            environment={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            cwd=self.data,
            account=self._account,
            death_signal=signal.SIGINT,
        )

    def answers(self) -> bool:
        """Whether the superuser can log in."""
        return converse(_can_log_in(self.address))

    def delete_data(self) -> None:
        """Delete the cluster."""
        shutil.rmtree(self.data, ignore_errors=True)
        delete_outside(self.directory)

    def _make_cluster(self) -> None:
        """Run initdb beside the final place and move the result there, so that a killed initdb leaves nothing."""
        part = self.data.with_name(f"{self.data.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700)
        write_private(part / "password", f"{self._password}\n")
        if self._account:
            for path in (part, part / "password"):
                os.chown(path, self._account.uid, self._account.gid)
        self._initdb(part)
        (part / "data").rename(self.data)
        shutil.rmtree(part)

    def _initdb(self, part: Path) -> None:
        run(
            [
                str(self._programs / "initdb"),
                f"--pgdata={part / 'data'}",
                f"--username={SUPERUSER}",
                f"--pwfile={part / 'password'}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                *([] if self.durable else ["--no-sync"]),
            ],
            account=self._account,
        )


def reachable_files(files: Path, account: Account | None) -> Path:
    """PostgreSQL's files, copied to where the account can run its programs if it can't where they are."""
    if can_reach(account, files / "bin" / "postgres"):
        return files

    def copy(part: Path) -> None:
        shutil.copytree(files, part, symlinks=True, dirs_exist_ok=True)
        for path in part.rglob("*"):
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or os.access(path, os.X_OK) else 0o444))

    return cached(files.name, copy, root=reachable(OUTSIDE))


def data_directory(directory: Path, account: Account | None) -> Path:
    """Where the cluster of `directory` is: inside it, unless PostgreSQL's account can't get there."""
    if can_reach(account, directory):
        return directory / "postgres"
    return make_outside(directory) / "postgres"


def end_processes_in(data: Path) -> None:
    """End every server process on this cluster, orphaned ones too, and remove the lock file of a dead one."""
    for process in psutil.process_iter(["name"]):
        with contextlib.suppress(psutil.Error):
            if process.info["name"] == "postgres" and Path(process.cwd()) == data.resolve():
                kill_tree(process)
    (data / "postmaster.pid").unlink(missing_ok=True)


async def _can_log_in(address: PostgresAddress) -> bool:
    try:
        connection = await asyncpg.connect(address.url("postgres"), timeout=CONNECT_TIMEOUT_SECONDS)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError, asyncio.IncompleteReadError):
        return False
    await connection.close()
    return True
