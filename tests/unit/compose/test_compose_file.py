"""docker-compose.yml is valid, closed to the outside, and gives each service settings that it knows."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from compose_setup.helpdesk import HelpdeskSettings
from export_api.settings import ApiSettings
from export_ops.settings import MigrateSettings, SourceSettings
from export_worker.settings import WorkerSettings
from janitor.settings import JanitorSettings
from support.compose import COMPOSE_FILE, ComposeService, load_services, ours, variables_of_file
from ticket_export.settings import S3Settings, load

SETTINGS: dict[str, type[BaseSettings]] = {
    "migrate": MigrateSettings,
    "demo-helpdesk": HelpdeskSettings,
    "source-install": SourceSettings,
    "bucket": S3Settings,
    "export-api": ApiSettings,
    "export-worker": WorkerSettings,
    "janitor": JanitorSettings,
}
SERVICES = load_services({})
OURS = ours(SERVICES)


def name_of(service: ComposeService) -> str:
    return service.name


def test_it_follows_the_compose_specification() -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    subprocess.run([checker, "--builtin-schema", "vendor.compose-spec", COMPOSE_FILE], check=True, capture_output=True)


def test_everything_of_ours_is_known_to_these_tests() -> None:
    assert {service.name for service in OURS} == set(SETTINGS)


@pytest.mark.parametrize("service", OURS, ids=name_of)
def test_a_service_gets_only_settings_that_it_knows_and_all_that_it_needs(
    service: ComposeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = SETTINGS[service.name]
    assert set(service.environment) <= {name.upper() for name in kind.model_fields}
    for name, value in service.environment.items():
        monkeypatch.setenv(name, value)
    load(kind)


@pytest.mark.parametrize("service", OURS, ids=name_of)
def test_a_container_of_ours_has_no_rights_to_lose(service: ComposeService) -> None:
    assert service.raw["read_only"] is True
    assert service.raw["tmpfs"] == ["/tmp"]
    assert service.raw["cap_drop"] == ["ALL"]
    assert service.raw["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service.raw
    assert "user" not in service.raw, "the image's own numeric user"


@pytest.mark.parametrize("service", [item for item in OURS if not item.one_shot], ids=name_of)
def test_a_service_that_stays_is_watched_and_restarted(service: ComposeService) -> None:
    assert service.raw["restart"] == "unless-stopped"
    assert service.health_command[0] == "python"
    assert "/readyz" in service.health_command[-1]


def test_everything_is_published_on_loopback_only() -> None:
    published = [port for service in SERVICES.values() for port in service.raw.get("ports", [])]
    assert sorted(published) == ["127.0.0.1:8000:8000", "127.0.0.1:9000:9000"]


def test_workers_can_be_scaled() -> None:
    assert {"ports", "container_name", "hostname"}.isdisjoint(SERVICES["export-worker"].raw)
    assert not [service.name for service in SERVICES.values() if "container_name" in service.raw]


def test_images_of_others_are_pinned() -> None:
    images = {service.raw["image"] for service in SERVICES.values() if "build" not in service.raw}
    assert len(images) == 3
    for image in images:
        assert image.rpartition(":")[2] not in {"", "latest", image}


def test_a_variable_has_one_default_and_a_secret_is_a_variable() -> None:
    defaults = set(variables_of_file())
    assert len(defaults) == len({name for name, _ in defaults})
    assert all(default for _, default in defaults)
    for service in SERVICES.values():
        for name, value in service.environment.items():
            assert "PASSWORD" not in name or value == "only-for-this-machine"


def test_services_wait_for_what_they_need() -> None:
    order = [service.name for service in OURS]
    assert order.index("migrate") < order.index("demo-helpdesk") < order.index("source-install")
    for name in ("export-api", "export-worker", "janitor"):
        assert SERVICES[name].waits_for == {
            "source-install": "service_completed_successfully",
            "bucket": "service_completed_successfully",
        }
    for service in SERVICES.values():
        for name, condition in service.waits_for.items():
            assert ("healthcheck" in SERVICES[name].raw) == (condition == "service_healthy")
