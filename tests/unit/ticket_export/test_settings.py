"""Settings from the environment: what is wrong is named, what it holds is never shown."""

import os

import pytest

from ticket_export.settings import (
    JobsDatabaseSettings,
    KafkaSettings,
    LeaseSettings,
    S3Settings,
    Settings,
    SettingsError,
    SourceDatabaseSettings,
    load,
)

SECRET = "hunter2-very-secret"


class EverySettings(Settings, JobsDatabaseSettings, SourceDatabaseSettings, KafkaSettings, S3Settings, LeaseSettings):
    """All groups at once, as a service has them."""


GOOD = {
    "DATABASE_URL": f"postgresql://app:{SECRET}@db:5432/jobs",
    "SOURCE_DATABASE_URL": f"postgres://reader:{SECRET}@db/helpdesk?sslmode=verify-full",
    "KAFKA_BOOTSTRAP_SERVERS": "kafka-1:9092,kafka-2:9092",
    "S3_ENDPOINT": "http://s3:9000",
    "S3_ACCESS_KEY": "access-key",
    "S3_SECRET_KEY": SECRET,
    "S3_BUCKET": "ticket-export",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in list(os.environ):
        if name.lower() in EverySettings.model_fields:
            monkeypatch.delenv(name)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def refusal() -> str:
    with pytest.raises(SettingsError) as caught:
        load(EverySettings)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    return str(caught.value)


def test_what_is_needed_is_enough(environment: pytest.MonkeyPatch) -> None:
    settings = load(EverySettings)
    assert settings.database_url.get_secret_value() == GOOD["DATABASE_URL"]
    assert (settings.exports_schema, settings.source_schema) == ("exports", "helpdesk")
    assert settings.source_bookkeeping_schema == "export_source"
    assert (settings.topic_prefix, settings.kafka_security_protocol) == ("", "PLAINTEXT")
    assert (settings.s3_region, settings.s3_prefix) == ("us-east-1", "exports")
    assert (settings.log_level, settings.log_format) == ("INFO", "json")
    assert (settings.lease_seconds, settings.lease_renewal_seconds, settings.lease_margin_seconds) == (15.0, 3.0, 3.0)


def test_everything_that_is_missing_is_named_at_once(environment: pytest.MonkeyPatch) -> None:
    for name in GOOD:
        environment.delenv(name)
    faults = refusal().splitlines()[1:]
    assert sorted(fault.strip() for fault in faults) == sorted(f"{name}: is not set" for name in GOOD)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", SECRET),
        ("DATABASE_URL", f"mysql://app:{SECRET}@db/jobs"),
        ("DATABASE_URL", f"postgresql+asyncpg://app:{SECRET}@db/jobs"),
        ("DATABASE_URL", f"postgresql://app:{SECRET}@"),
        ("DATABASE_URL", f"postgresql://app:{SECRET}@db:notaport/jobs"),
        ("DATABASE_URL", ""),
        ("SOURCE_DATABASE_URL", f"http://app:{SECRET}@db/jobs"),
        ("S3_ENDPOINT", "http://s3:9000/bucket"),
        ("S3_ENDPOINT", "http://s3:9000/?a=b"),
        ("S3_ENDPOINT", "http://s3:9000/#here"),
        ("S3_ENDPOINT", f"http://user:{SECRET}@s3:9000"),
        ("S3_ENDPOINT", "s3:9000"),
        ("S3_ENDPOINT", "ftp://s3:9000"),
        ("S3_BUCKET", "Upper"),
        ("S3_BUCKET", "a"),
        ("S3_PREFIX", "/exports"),
        ("S3_PREFIX", "exports/"),
        ("S3_PREFIX", "a//b"),
        ("S3_PREFIX", "a b"),
        ("EXPORTS_SCHEMA", 'exports"; DROP'),
        ("EXPORTS_SCHEMA", "Exports"),
        ("SOURCE_SCHEMA", ""),
        ("SOURCE_BOOKKEEPING_SCHEMA", "x" * 42),
        ("KAFKA_BOOTSTRAP_SERVERS", "kafka"),
        ("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092,"),
        ("KAFKA_SECURITY_PROTOCOL", "SSL"),
        ("TOPIC_PREFIX", "a/b"),
        ("TOPIC_PREFIX", "x" * 101),
        ("LOG_LEVEL", "LOUD"),
        ("LOG_FORMAT", "xml"),
        ("LEASE_SECONDS", "0"),
        ("LEASE_SECONDS", SECRET),
        ("LEASE_MARGIN_SECONDS", "-1"),
    ],
)
def test_what_is_wrong_is_named_and_not_shown(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(name, value)
    message = refusal()
    (fault,) = message.splitlines()[1:]
    assert fault.strip().startswith(f"{name}: ")


@pytest.mark.parametrize(
    "url", ["http://s3:9000", "http://s3:9000/", "https://s3.example.org", "http://127.0.0.1:9000"]
)
def test_an_endpoint_is_scheme_host_and_port(environment: pytest.MonkeyPatch, url: str) -> None:
    environment.setenv("S3_ENDPOINT", url)
    assert str(load(EverySettings).s3_endpoint).rstrip("/") == url.rstrip("/")


def test_schemas_prefixes_and_names_can_be_set(environment: pytest.MonkeyPatch) -> None:
    for name, value in {
        "EXPORTS_SCHEMA": "exports_blue",
        "SOURCE_SCHEMA": "desk_2",
        "SOURCE_BOOKKEEPING_SCHEMA": "_source",
        "TOPIC_PREFIX": "blue.",
        "S3_PREFIX": "a/b.c/d-e",
    }.items():
        environment.setenv(name, value)
    settings = load(EverySettings)
    assert (settings.exports_schema, settings.source_schema) == ("exports_blue", "desk_2")
    assert (settings.source_bookkeeping_schema, settings.topic_prefix) == ("_source", "blue.")
    assert settings.s3_prefix == "a/b.c/d-e"


def test_settings_show_no_secret(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KAFKA_SASL_PASSWORD", SECRET)
    settings = load(EverySettings)
    for shown in (repr(settings), str(settings), settings.model_dump_json(), str(settings.model_dump())):
        assert SECRET not in shown


def test_settings_do_not_change(environment: pytest.MonkeyPatch) -> None:
    settings = load(EverySettings)
    with pytest.raises(ValueError, match="frozen"):
        settings.s3_bucket = "another"  # type: ignore[misc]
