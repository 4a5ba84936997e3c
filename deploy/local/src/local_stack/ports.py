"""Loopback ports that stay ours: outside the kernel's ephemeral range, and written down per directory.

A port from inside that range can be taken by any outgoing connection while its server is down, or
connect to itself: a client that keeps trying a stopped server would then talk to nobody but itself.
"""

import json
import random
import socket
import threading
from pathlib import Path

from local_stack.errors import StackError

LOOPBACK = "127.0.0.1"
LOWEST_PORT = 15_000
DEFAULT_LOWEST_EPHEMERAL_PORT = 32_768
TRIES = 1_000


class PortBook:
    """Which server of a directory has which ports: the same ones at each start, as long as nobody else took them."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "ports.json"
        self._ports: dict[str, list[int]] = json.loads(self._path.read_text()) if self._path.exists() else {}
        self._lock = threading.Lock()

    def reserve(self, name: str, count: int = 1, *, wanted: int | None = None) -> list[int]:
        """The ports written down for `name`, or the wanted one, where free; other ones where not."""
        with self._lock:
            before = self._ports.pop(name, [])
            preferred = before if wanted is None else [wanted, *before]
            others = {port for ports in self._ports.values() for port in ports}
            return self._write_down(name, free_ports(count, preferred=preferred, avoid=others))

    def replace(self, name: str) -> list[int]:
        """As many other ports for `name`: somebody took one of the old ones."""
        with self._lock:
            avoid = {port for ports in self._ports.values() for port in ports}
            return self._write_down(name, free_ports(len(self._ports[name]), preferred=[], avoid=avoid))

    def _write_down(self, name: str, ports: list[int]) -> list[int]:
        self._ports[name] = ports
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps(self._ports))
        part.replace(self._path)
        return ports


def free_ports(count: int, *, preferred: list[int], avoid: set[int]) -> list[int]:
    """`count` different free ports, the preferred ones first where they are free."""
    ceiling = _ceiling()
    found: list[int] = []
    for port in [*preferred, *(random.randrange(LOWEST_PORT, ceiling) for _ in range(TRIES))]:  # noqa: S311 -- no secret
        if port not in avoid and port not in found and is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    raise StackError(f"no {count} free ports between {LOWEST_PORT} and {ceiling}")


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def _ceiling() -> int:
    setting = Path("/proc/sys/net/ipv4/ip_local_port_range")
    lowest = int(setting.read_text().split()[0]) if setting.exists() else DEFAULT_LOWEST_EPHEMERAL_PORT
    return lowest if lowest > LOWEST_PORT + TRIES else DEFAULT_LOWEST_EPHEMERAL_PORT
