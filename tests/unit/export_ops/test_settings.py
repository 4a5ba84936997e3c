import pytest
from pydantic import SecretStr

from export_ops.settings import MigrateSettings, SourceSettings
from ticket_export.settings import SettingsError, load


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "ADMIN_DATABASE_URL",
        "KAFKA_BOOTSTRAP_SERVERS",
        "INSTALLER_DATABASE_URL",
        "APP_ROLE_PASSWORD",
        "RETENTION_ROLE_PASSWORD",
        "SOURCE_READER_ROLE_PASSWORD",
        "SOURCE_PRUNER_ROLE_PASSWORD",
        "INSTALLER_ROLE_PASSWORD",
    ):
        monkeypatch.delenv(name, raising=False)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(SettingsError) as caught:
        load(MigrateSettings)
    assert "ADMIN_DATABASE_URL: is not set" in str(caught.value)
    assert "KAFKA_BOOTSTRAP_SERVERS: is not set" in str(caught.value)
    with pytest.raises(SettingsError, match="INSTALLER_DATABASE_URL: is not set"):
        load(SourceSettings)


def test_what_is_wrong_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSTALLER_DATABASE_URL", "mysql://root:hush@db/x")
    monkeypatch.setenv("SOURCE_SCHEMA", "Help desk")
    with pytest.raises(SettingsError) as caught:
        load(SourceSettings)
    assert "INSTALLER_DATABASE_URL: " in str(caught.value)
    assert "SOURCE_SCHEMA: " in str(caught.value)
    assert "hush" not in str(caught.value)


def test_passwords_are_given_by_role_and_only_those_that_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_DATABASE_URL", "postgresql://postgres@db/x")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092")
    assert load(MigrateSettings).by_role() == {}
    names = {
        "APP_ROLE_PASSWORD": "ticket_export_app",
        "RETENTION_ROLE_PASSWORD": "ticket_export_retention",
        "SOURCE_READER_ROLE_PASSWORD": "ticket_export_source_reader",
        "SOURCE_PRUNER_ROLE_PASSWORD": "ticket_export_source_pruner",
        "INSTALLER_ROLE_PASSWORD": "ticket_export_installer",
    }
    for name, role in names.items():
        monkeypatch.setenv(name, f"for {role}")
    assert load(MigrateSettings).by_role() == {role: SecretStr(f"for {role}") for role in names.values()}


def test_an_empty_password_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_DATABASE_URL", "postgresql://postgres@db/x")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092")
    monkeypatch.setenv("APP_ROLE_PASSWORD", "")
    with pytest.raises(SettingsError, match="APP_ROLE_PASSWORD: "):
        load(MigrateSettings)
