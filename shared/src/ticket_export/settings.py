"""Settings groups that several services share, read from the environment.

A service's own settings inherit the groups that it needs; ``load`` turns what is missing or wrong into one
message that names the variables, never their values.
"""

from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, AnyHttpUrl, Field, PostgresDsn, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


def _postgres_url(value: SecretStr) -> SecretStr:
    # SQLAlchemy's schemes, which name a driver, are a PostgresDsn too; asyncpg refuses them.
    if PostgresDsn(value.get_secret_value()).scheme not in {"postgresql", "postgres"}:
        raise ValueError("must begin with postgresql://")
    return value


def _bare_url(value: AnyHttpUrl) -> AnyHttpUrl:
    more = (value.username, value.password, value.query, value.fragment)
    if value.path not in (None, "", "/") or any(part is not None for part in more):
        raise ValueError("must be scheme, host and port only")
    return value


PostgresUrl = Annotated[SecretStr, AfterValidator(_postgres_url)]
Identifier = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,40}$")]
# The host is part of an S3 signature; a path in front of the bucket would break it.
BareUrl = Annotated[AnyHttpUrl, AfterValidator(_bare_url)]


class SettingsError(Exception):
    """The environment lacks a setting or holds a wrong one."""


class SettingsGroup(BaseSettings):
    """Base of the groups: immutable, and errors never quote a value, which may be a secret."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Settings(SettingsGroup):
    """What every service has."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"


class JobsDatabaseSettings(SettingsGroup):
    """Where jobs live."""

    database_url: PostgresUrl
    exports_schema: Identifier = "exports"


class SourceDatabaseSettings(SettingsGroup):
    """Where tickets are read: the helpdesk's database, which may be the same server or another."""

    source_database_url: PostgresUrl
    source_schema: Identifier = "helpdesk"
    source_bookkeeping_schema: Identifier = "export_source"


class TopicSettings(SettingsGroup):
    """What the installation's topics are called; several share a broker by prefix."""

    topic_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,100}$")] = ""


class KafkaSettings(TopicSettings):
    """The broker that carries wake-ups and events."""

    kafka_bootstrap_servers: Annotated[str, Field(pattern=r"^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$")]
    kafka_security_protocol: Literal["PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_username: str = ""
    kafka_sasl_password: SecretStr = SecretStr("")
    kafka_ca_file: Path | None = None


class S3Settings(SettingsGroup):
    """The bucket that holds the files."""

    s3_endpoint: BareUrl
    s3_access_key: SecretStr
    s3_secret_key: SecretStr
    s3_bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
    s3_region: str = "us-east-1"
    s3_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$")] = "exports"
    s3_ca_file: Path | None = None


class LeaseSettings(SettingsGroup):
    """How long whoever does something may go silent before another takes over."""

    lease_seconds: Annotated[float, Field(gt=0)] = 15.0
    lease_renewal_seconds: Annotated[float, Field(gt=0)] = 3.0
    lease_margin_seconds: Annotated[float, Field(ge=0)] = 3.0


S = TypeVar("S", bound=BaseSettings)


def load(kind: type[S]) -> S:
    """Read settings from the environment; raise SettingsError that names each variable at fault."""
    try:
        return kind()
    except ValidationError as error:
        faults = []
        for item in error.errors(include_input=False, include_context=False, include_url=False):
            name = "_".join(str(part) for part in item["loc"]).upper() or kind.__name__
            faults.append(f"{name}: {'is not set' if item['type'] == 'missing' else item['msg']}")
        raise SettingsError("Wrong settings in the environment:\n  " + "\n  ".join(faults)) from None
