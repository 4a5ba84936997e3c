"""The outbox: an event is a row in the transaction of what it tells, and is published after the commit."""

import json

from ticket_export.database.connection import Connection
from ticket_export.database.queries import INSERT_OUTBOX, NOTIFY_OUTBOX
from ticket_export.events import Event, to_message
from ticket_export.topics import Topics

CHANNEL_PREFIX = "ticket_export_outbox_"


def channel(schema: str) -> str:
    """The NOTIFY channel of an installation; it shortens the relay's poll, nothing depends on it."""
    return CHANNEL_PREFIX + schema


async def enqueue(connection: Connection, event: Event, topics: Topics) -> None:
    """Queue an event; must run inside the transaction that it tells of."""
    message = to_message(event, topics)
    await connection.execute(INSERT_OUTBOX, message.topic, message.key, json.dumps(message.headers), message.body)
    await connection.execute(NOTIFY_OUTBOX, CHANNEL_PREFIX)
