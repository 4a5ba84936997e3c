"""Brings the jobs database and the broker to what this release needs."""

from collections.abc import Callable

from aiokafka.errors import KafkaError
from pydantic import SecretStr

from export_ops.errors import OpsError
from export_ops.settings import MigrateSettings
from ticket_export import migrations
from ticket_export.bus.topics import TopicCreationError, create_topics
from ticket_export.settings import KafkaSettings


async def migrate(settings: MigrateSettings, report: Callable[[str], None]) -> None:
    """Create roles, schema and topics; each step tells what it changed.

    Raises OpsError. The database comes first and stays done when the broker cannot be reached.
    """
    revisions = await _migrate_database(settings)
    report(f"schema {settings.exports_schema}: {', '.join(revisions) or 'up to date'}")
    topics = await _create_topics(settings)
    report(f"topics: {', '.join(topics) or 'up to date'}")


async def _migrate_database(settings: MigrateSettings) -> list[str]:
    url: SecretStr = settings.admin_database_url
    try:
        return await migrations.migrate(
            url.get_secret_value(), schema=settings.exports_schema, role_passwords=settings.by_role()
        )
    except migrations.MigrationError as error:
        raise OpsError(f"ADMIN_DATABASE_URL: {error}") from error


async def _create_topics(settings: KafkaSettings) -> list[str]:
    try:
        return await create_topics(settings)
    except (KafkaError, TopicCreationError, OSError) as error:
        raise OpsError(f"KAFKA_BOOTSTRAP_SERVERS: the topics could not be created: {error}") from error
