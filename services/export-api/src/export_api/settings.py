"""What export-api reads from its environment."""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, AnyHttpUrl, Field, model_validator

from ticket_export.settings import (
    BareUrl,
    JobsDatabaseSettings,
    KafkaSettings,
    LeaseSettings,
    S3Settings,
    Settings,
    SourceDatabaseSettings,
)

# Which rows files are to show: auto is as of the request, unless an operator has disabled versioning.
SnapshotSetting: TypeAlias = Literal["auto", "exact", "statement"]

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")

# Asymmetric only: a shared secret would let every service that verifies tokens also make them.
JWKS_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")

DEMO_ISSUER = "ticket-export-demo"


def _split(value: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in value.split(",") if item.strip())


def _known_algorithms(value: str) -> str:
    unknown = [name for name in _split(value) if name not in JWKS_ALGORITHMS]
    if unknown or not _split(value):
        raise ValueError(f"must be some of {', '.join(JWKS_ALGORITHMS)}")
    return value


def _safe_url(value: AnyHttpUrl) -> AnyHttpUrl:
    if value.scheme != "https" and value.host not in (*LOOPBACK_HOSTS, "[::1]"):
        raise ValueError("must be an https URL")
    return value


def is_loopback(host: str) -> bool:
    """Tell whether a bind address can be reached from this machine only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class ApiSettings(Settings, JobsDatabaseSettings, SourceDatabaseSettings, KafkaSettings, S3Settings, LeaseSettings):
    """Settings of the service; lists are comma-separated."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    trusted_hosts: str = ""
    trusted_proxies: str = ""
    shutdown_seconds: Annotated[int, Field(ge=1)] = 10
    snapshot_mode: SnapshotSetting = "auto"
    database_pool_size: Annotated[int, Field(ge=1, le=100)] = 10
    s3_public_url: BareUrl | None = None

    auth_mode: Literal["demo", "jwks"]
    jwt_issuer: str = ""
    jwt_audience: Annotated[str, Field(min_length=1)] = "ticket-export"
    jwt_jwks_url: Annotated[AnyHttpUrl, AfterValidator(_safe_url)] | None = None
    jwt_algorithms: Annotated[str, AfterValidator(_known_algorithms)] = "RS256,ES256"
    identity_claim: Annotated[str, Field(min_length=1)] = "sub"

    demo_signing_key_file: Path | None = None
    demo_allow_public_bind: bool = False
    demo_people: str = "ada,bob,cara,dan"

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.auth_mode == "jwks":
            self._require_identity_provider()
        else:
            self._require_safe_demo()
        return self

    def _require_identity_provider(self) -> None:
        if self.jwt_jwks_url is None:
            raise ValueError("JWT_JWKS_URL is not set, and AUTH_MODE=jwks needs it")
        if not self.jwt_issuer:
            raise ValueError("JWT_ISSUER is not set, and AUTH_MODE=jwks needs it")

    def _require_safe_demo(self) -> None:
        if self.demo_signing_key_file is None:
            raise ValueError("DEMO_SIGNING_KEY_FILE is not set, and AUTH_MODE=demo needs it")
        if not is_loopback(self.host) and not self.demo_allow_public_bind:
            raise ValueError(
                "HOST is not loopback: AUTH_MODE=demo lets anybody in (DEMO_ALLOW_PUBLIC_BIND=true insists)"
            )

    @property
    def issuer(self) -> str:
        """The only issuer whose tokens count."""
        return self.jwt_issuer or DEMO_ISSUER

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Signature algorithms that AUTH_MODE=jwks accepts."""
        return _split(self.jwt_algorithms)

    @property
    def hosts(self) -> frozenset[str]:
        """Host names that a request may carry."""
        return frozenset(name.lower() for name in (*LOOPBACK_HOSTS, *_split(self.trusted_hosts)))

    @property
    def proxies(self) -> list[str]:
        """Addresses whose X-Forwarded-* headers are believed."""
        return list(_split(self.trusted_proxies))

    @property
    def demo_usernames(self) -> tuple[str, ...]:
        """Whom the demo's sign-in page offers."""
        return _split(self.demo_people)
