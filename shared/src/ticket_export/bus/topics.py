"""Creates our topics and tells which are missing; nobody else ever creates one."""

from aiokafka.admin import NewTopic
from aiokafka.errors import for_code

from ticket_export.bus.client import build_admin
from ticket_export.settings import KafkaSettings
from ticket_export.topics import Topics

TOPIC_ALREADY_EXISTS = 36
BROKER_DEFAULT_REPLICATION = -1


class TopicCreationError(Exception):
    """The broker refused to create a topic; the text names it and the broker's reason."""


async def create_topics(settings: KafkaSettings) -> list[str]:
    """Create what is missing with the wanted partitions and retention; return the names that are new."""
    admin = build_admin(settings)
    try:
        await admin.start()
        wanted = [
            NewTopic(
                name=topic.name,
                num_partitions=topic.partitions,
                replication_factor=BROKER_DEFAULT_REPLICATION,
                # None would be right; the client only lets the broker's default pass beside an assignment.
                replica_assignments={},
                topic_configs=topic.config,
            )
            for topic in Topics(settings.topic_prefix).all()
        ]
        answer = await admin.create_topics(wanted)
    finally:
        await admin.close()
    created = []
    # The client reports per topic in its answer; it does not raise.
    for name, code, *_ in answer.topic_errors:
        if code == 0:
            created.append(name)
        elif code != TOPIC_ALREADY_EXISTS:
            raise TopicCreationError(f"{name}: {for_code(code).__name__}")
    return created


async def missing_topics(settings: KafkaSettings) -> list[str]:
    """Return which of our topics the broker does not have."""
    admin = build_admin(settings)
    try:
        await admin.start()
        present = set(await admin.list_topics())
    finally:
        await admin.close()
    return [topic.name for topic in Topics(settings.topic_prefix).all() if topic.name not in present]
