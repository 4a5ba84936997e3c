"""One installation per test: a database cloned from a template, a bucket and a topic prefix of its own."""

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import asyncpg
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from export_ops.source.generate import Schemas
from export_ops.source.installer import install
from local_stack.demo import prepare_helpdesk
from local_stack.servers import Servers
from ticket_export.bus.topics import create_topics
from ticket_export.migrations import migrate, roles
from ticket_export.settings import KafkaSettings

SCHEMAS = Schemas(source="helpdesk", bookkeeping="export_source")
S = TypeVar("S", bound=BaseSettings)


@dataclass(frozen=True)
class Installation:
    """Where everything is; ``env`` is what a service would read from its environment."""

    servers: Servers
    database: str
    bucket: str
    topic_prefix: str

    def _url(self, user: str, password: str) -> str:
        return self.servers.postgres.address.url(self.database, user=user, password=password)

    @property
    def admin_url(self) -> str:
        return self.servers.postgres.address.url(self.database)

    @property
    def app_url(self) -> str:
        return self._url(roles.APP, self.servers.credentials.app_password)

    @property
    def retention_url(self) -> str:
        return self._url(roles.RETENTION, self.servers.credentials.retention_password)

    @property
    def source_reader_url(self) -> str:
        return self._url(roles.SOURCE_READER, self.servers.credentials.source_reader_password)

    @property
    def source_pruner_url(self) -> str:
        return self._url(roles.SOURCE_PRUNER, self.servers.credentials.source_pruner_password)

    @property
    def installer_url(self) -> str:
        return self._url(roles.INSTALLER, self.servers.credentials.installer_password)

    @property
    def helpdesk_url(self) -> str:
        """The host application's own login."""
        return self._url("helpdesk", self.servers.credentials.helpdesk_password)

    @property
    def env(self) -> dict[str, str]:
        """The environment of export-api and export-worker; the janitor's differs in DATABASE_URL."""
        store = self.servers.object_store.address
        return {
            "DATABASE_URL": self.app_url,
            "SOURCE_DATABASE_URL": self.source_reader_url,
            "KAFKA_BOOTSTRAP_SERVERS": self.servers.kafka.address.bootstrap,
            "TOPIC_PREFIX": self.topic_prefix,
            "S3_ENDPOINT": store.endpoint,
            "S3_ACCESS_KEY": store.access_key,
            "S3_SECRET_KEY": store.secret_key,
            "S3_REGION": store.region,
            "S3_BUCKET": self.bucket,
        }

    @property
    def janitor_env(self) -> dict[str, str]:
        return {**self.env, "DATABASE_URL": self.retention_url, "SOURCE_DATABASE_URL": self.source_pruner_url}

    def settings(self, kind: type[S], **more: Any) -> S:
        """Return a service's settings as it would read them, with some of them set otherwise."""
        values = {name.lower(): value for name, value in self.env.items()}
        known: dict[str, Any] = {name: value for name, value in values.items() if name in kind.model_fields}
        return kind(**{**known, **more})

    async def connect(self, url: str | None = None) -> "asyncpg.Connection[asyncpg.Record]":
        """Connect to this database, as its owner unless told otherwise."""
        return await asyncpg.connect(url or self.admin_url, server_settings={"search_path": "exports, helpdesk"})


def build_template(servers: Servers, name: str) -> None:
    """Make a database with both schemas, versioned, and the demo's tickets as they stood at the cut."""
    asyncio.run(_build_template(servers, name))


async def _build_template(servers: Servers, name: str) -> None:
    credentials, address = servers.credentials, servers.postgres.address
    cluster = await asyncpg.connect(address.url("postgres"))
    try:
        await cluster.execute(f'CREATE DATABASE "{name}"')
        passwords = {
            roles.APP: credentials.app_password,
            roles.RETENTION: credentials.retention_password,
            roles.SOURCE_READER: credentials.source_reader_password,
            roles.SOURCE_PRUNER: credentials.source_pruner_password,
            roles.INSTALLER: credentials.installer_password,
        }
        secret = {role: SecretStr(password) for role, password in passwords.items()}
        await migrate(address.url(name), schema="exports", role_passwords=secret)
    finally:
        await cluster.close()
    helpdesk_url = address.url(name, user="helpdesk", password=credentials.helpdesk_password)
    await prepare_helpdesk(admin_url=address.url(name), helpdesk_url=helpdesk_url, schema="helpdesk")
    installer_url = address.url(name, user=roles.INSTALLER, password=credentials.installer_password)
    await install(SecretStr(installer_url), SCHEMAS)


@contextmanager
def new_installation(servers: Servers, template: str) -> Iterator[Installation]:
    """Clone the template; give it a bucket and topics; drop the database afterwards."""
    token = secrets.token_hex(4)
    installation = Installation(servers, f"t_{token}", f"t-{token}", f"t{token}.")
    asyncio.run(_clone(servers, template, installation.database))
    servers.object_store.create_bucket(installation.bucket)
    asyncio.run(create_topics(installation.settings(KafkaSettings)))
    try:
        yield installation
    finally:
        asyncio.run(_drop(servers, installation.database))


async def _clone(servers: Servers, template: str, name: str) -> None:
    cluster = await asyncpg.connect(servers.postgres.address.url("postgres"))
    try:
        await cluster.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    finally:
        await cluster.close()


async def _drop(servers: Servers, name: str) -> None:
    if not servers.postgres.running:
        return
    cluster = await asyncpg.connect(servers.postgres.address.url("postgres"))
    try:
        await cluster.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await cluster.close()
