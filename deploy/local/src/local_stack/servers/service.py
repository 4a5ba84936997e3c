"""A service of ours as a child process: ready when its `/readyz` says 200."""

import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local_stack.ports import LOOPBACK, PortBook
from local_stack.processes import Child, spawn
from local_stack.servers.server import Server

PROBE_TIMEOUT_SECONDS = 2.0
# Loopback is never behind the proxy that the environment may name.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class ServiceSpec:
    """Which program to run, with what environment, and by which variable it learns its port."""

    name: str
    argv: tuple[str, ...]
    port_variable: str
    environment: Mapping[str, str] = field(repr=False)
    stop_timeout_seconds: float = 20.0


class Service(Server):
    """A running service."""

    def __init__(self, directory: Path, ports: PortBook, spec: ServiceSpec) -> None:
        self.name = self.title = spec.name
        super().__init__(directory, ports, durable=True)
        self.stop_timeout_seconds = spec.stop_timeout_seconds
        self._spec = spec

    def prepare(self) -> None:
        """Nothing to do."""

    def spawn(self) -> Child:
        """Start it, told the port that it has now."""
        own = {self._spec.port_variable: str(self.port)}
        environment = os.environ | dict(self._spec.environment) | own
        return spawn(self.name, list(self._spec.argv), log=self.log, environment=environment, cwd=self.directory)

    def answers(self) -> bool:
        """Whether it says that it is ready."""
        try:
            with _DIRECT.open(f"http://{LOOPBACK}:{self.port}/readyz", timeout=PROBE_TIMEOUT_SECONDS) as answer:
                return bool(answer.status == 200)  # noqa: PLR2004 -- HTTP's OK
        except (urllib.error.URLError, OSError):
            return False

    def delete_data(self) -> None:
        """It has none."""
