"""docs/operations.md lists every setting with the default that the code has."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from export_api.settings import ApiSettings
from export_ops.settings import JobsSettings, MigrateSettings, RolePasswords, SourceSettings
from export_worker.settings import WorkerSettings
from janitor.settings import JanitorSettings
from support.compose import ROOT
from ticket_export.settings import (
    JobsDatabaseSettings,
    KafkaSettings,
    LeaseSettings,
    S3Settings,
    Settings,
    SourceDatabaseSettings,
    TopicSettings,
)

OPERATIONS = ROOT / "docs" / "operations.md"
TABLES: dict[str, tuple[type[BaseSettings], ...]] = {
    "Every process": (Settings,),
    "Databases (export-api, export-worker)": (JobsDatabaseSettings, SourceDatabaseSettings),
    "Kafka (export-api, export-worker, `ticket-export migrate`)": (KafkaSettings, TopicSettings),
    "S3 (export-api, export-worker, janitor)": (S3Settings,),
    "Leases (export-api, export-worker, janitor)": (LeaseSettings,),
    "export-api": (ApiSettings,),
    "export-worker": (WorkerSettings,),
    "janitor": (JanitorSettings,),
    "ticket-export migrate": (MigrateSettings, RolePasswords),
    "ticket-export pause, resume": (JobsSettings,),
    "ticket-export source …": (SourceSettings,),
}
PROCESSES = (ApiSettings, WorkerSettings, JanitorSettings, MigrateSettings, SourceSettings)
ROW = re.compile(r"^\| `(?P<name>[A-Z0-9_]+)` \| (?P<default>[^|]+) \|", re.MULTILINE)


def documented(heading: str) -> dict[str, str]:
    text = OPERATIONS.read_text(encoding="utf-8")
    [section] = re.findall(rf"^### {re.escape(heading)}\n(.*?)(?=^##)", text, re.MULTILINE | re.DOTALL)
    return {row["name"]: row["default"].strip() for row in ROW.finditer(section)}


def shown(field: FieldInfo) -> str:
    """A default as the tables write it."""
    if field.is_required():
        return "required"
    value: Any = field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None:
        return "none"
    if value == "":
        return "empty"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return f"`{value if not isinstance(value, Path) else value.as_posix()}`"


def own_fields(kind: type[BaseSettings]) -> dict[str, str]:
    """The settings that a class adds to those of its groups."""
    return {name.upper(): shown(kind.model_fields[name]) for name in kind.model_fields if name in kind.__annotations__}


@pytest.mark.parametrize("heading", TABLES)
def test_a_table_says_what_the_code_says(heading: str) -> None:
    expected = {name: default for kind in TABLES[heading] for name, default in own_fields(kind).items()}
    assert documented(heading) == expected


@pytest.mark.parametrize("kind", PROCESSES, ids=lambda kind: kind.__name__)
def test_no_setting_of_a_process_is_missing(kind: type[BaseSettings]) -> None:
    tables = [
        name for kinds in TABLES.values() for group in kinds if issubclass(kind, group) for name in own_fields(group)
    ]
    assert {name.upper() for name in kind.model_fields} == set(tables)


def test_every_table_is_known_to_these_tests() -> None:
    text = OPERATIONS.read_text(encoding="utf-8")
    sections = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    with_settings = {section.partition("\n")[0] for section in sections if ROW.search(section)}
    assert with_settings == set(TABLES)


def test_every_variable_of_the_compose_file_is_explained() -> None:
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    text = OPERATIONS.read_text(encoding="utf-8")
    for name in set(re.findall(r"\$\{(\w+)", compose)):
        assert f"`{name}`" in text, name
