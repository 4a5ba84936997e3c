"""docker-compose.yml as Compose reads it: merged, with its variables filled in."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
COMPOSE_FILE = ROOT / "docker-compose.yml"
THEIRS = frozenset({"postgres", "kafka", "s3"})
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*))?\}")


@dataclass(frozen=True)
class ComposeService:
    """One service; ``command`` is what its container runs."""

    name: str
    raw: Mapping[str, Any]

    @property
    def command(self) -> list[str]:
        command: list[str] = self.raw.get("entrypoint", []) + self.raw.get("command", [])
        return command

    @property
    def environment(self) -> dict[str, str]:
        return {name: str(value) for name, value in self.raw.get("environment", {}).items()}

    @property
    def health_command(self) -> list[str]:
        command: list[str] = self.raw["healthcheck"]["test"]
        assert command[0] == "CMD"
        return command[1:]

    @property
    def one_shot(self) -> bool:
        return bool(self.raw["restart"] == "no")

    @property
    def waits_for(self) -> dict[str, str]:
        """Names of services and the condition that each must meet first."""
        return {name: need["condition"] for name, need in self.raw.get("depends_on", {}).items()}


def load_services(variables: Mapping[str, str]) -> dict[str, ComposeService]:
    """Return the services by name, every ``${NAME:-default}`` filled in."""
    document = YAML(typ="safe").load(COMPOSE_FILE)
    return {name: ComposeService(name, _filled(raw, variables)) for name, raw in document["services"].items()}


def ours(services: Mapping[str, ComposeService]) -> list[ComposeService]:
    """Return our own services, each after those that it waits for."""
    found: dict[str, ComposeService] = {}

    def visit(service: ComposeService) -> None:
        for name in service.waits_for:
            visit(services[name])
        if service.name not in THEIRS:
            found.setdefault(service.name, service)

    for service in services.values():
        visit(service)
    return list(found.values())


def variables_of_file() -> Iterator[tuple[str, str | None]]:
    """Yield each variable of the file with its default."""
    for found in _VARIABLE.finditer(COMPOSE_FILE.read_text(encoding="utf-8")):
        yield found["name"], found["default"]


def _filled(node: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(node, str):
        return _VARIABLE.sub(lambda found: variables.get(found["name"], found["default"] or ""), node)
    if isinstance(node, Mapping):
        return {key: _filled(value, variables) for key, value in node.items()}
    if isinstance(node, list):
        return [_filled(value, variables) for value in node]
    return node
