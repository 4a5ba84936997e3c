"""What is missing or wrong in the environment is named, and its value is not shown."""

import pytest

from export_api.settings import ApiSettings, is_loopback
from ticket_export.settings import SettingsError, load

GOOD = {
    "DATABASE_URL": "postgresql://app:secret1@127.0.0.1/db",
    "SOURCE_DATABASE_URL": "postgresql://reader:secret2@127.0.0.1/db",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
    "S3_ENDPOINT": "http://127.0.0.1:9000",
    "S3_ACCESS_KEY": "access",
    "S3_SECRET_KEY": "secret3",
    "S3_BUCKET": "bucket",
    "AUTH_MODE": "demo",
    "DEMO_SIGNING_KEY_FILE": "key.json",
}


def read(monkeypatch: pytest.MonkeyPatch, changes: dict[str, str | None]) -> ApiSettings:
    for name, value in {**GOOD, **changes}.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    return load(ApiSettings)


def test_the_defaults_are_loopback_and_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, {})

    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.hosts == {"127.0.0.1", "localhost", "::1"}
    assert settings.proxies == []
    assert (settings.issuer, settings.jwt_audience) == ("ticket-export-demo", "ticket-export")
    assert not any(secret in repr(settings) for secret in ("secret1", "secret2", "secret3"))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"DATABASE_URL": None}, "DATABASE_URL: is not set"),
        ({"DATABASE_URL": "mysql://user:hunter2@host/db"}, "DATABASE_URL"),
        ({"S3_BUCKET": None}, "S3_BUCKET: is not set"),
        ({"S3_PUBLIC_URL": "https://files.example.com/hunter2"}, "S3_PUBLIC_URL"),
        ({"AUTH_MODE": None}, "AUTH_MODE: is not set"),
        ({"AUTH_MODE": "hunter2"}, "AUTH_MODE"),
        ({"PORT": "hunter2"}, "PORT"),
        ({"PORT": "70000"}, "PORT"),
        ({"HOST": "0.0.0.0"}, "HOST"),
        ({"HOST": "exports.example.com"}, "HOST"),
        ({"DEMO_SIGNING_KEY_FILE": None}, "DEMO_SIGNING_KEY_FILE"),
        ({"AUTH_MODE": "jwks"}, "JWT_JWKS_URL"),
        ({"AUTH_MODE": "jwks", "JWT_JWKS_URL": "https://login.example.com/jwks"}, "JWT_ISSUER"),
        ({"JWT_JWKS_URL": "http://login.example.com/hunter2"}, "JWT_JWKS_URL"),
        ({"JWT_ALGORITHMS": "RS256,HS256"}, "JWT_ALGORITHMS"),
        ({"JWT_ALGORITHMS": "none"}, "JWT_ALGORITHMS"),
        ({"JWT_ALGORITHMS": " , "}, "JWT_ALGORITHMS"),
    ],
)
def test_a_missing_or_wrong_setting_is_named_without_its_value(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str | None], named: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        read(monkeypatch, changes)

    assert named in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_demo_may_bind_publicly_when_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, {"HOST": "0.0.0.0", "DEMO_ALLOW_PUBLIC_BIND": "true"}).host == "0.0.0.0"


def test_lists_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    lists = {"TRUSTED_HOSTS": "Exports.Example.com, b", "TRUSTED_PROXIES": "10.0.0.1,10.0.0.2", "DEMO_PEOPLE": "x,y"}
    settings = read(monkeypatch, dict(lists))

    assert {"exports.example.com", "b"} < settings.hosts
    assert settings.proxies == ["10.0.0.1", "10.0.0.2"]
    assert settings.demo_usernames == ("x", "y")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
    ],
)
def test_loopback_is_told_apart(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
