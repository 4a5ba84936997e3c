"""The relay's statements on the outbox; taking and handing back its lease are in ``ticket_export.database``."""

import json
from dataclasses import dataclass

from ticket_export.database.connection import Connection
from ticket_export.events import Message

# The oldest rows that may still be sent.
_SELECT_BATCH = """
SELECT id, topic, key, headers, body FROM outbox WHERE failed_at IS NULL ORDER BY id LIMIT $1
"""

# The broker has confirmed them.
_DELETE = "DELETE FROM outbox WHERE id = ANY ($1::bigint[])"

# Set one aside that can never be sent, so that the rest goes on; an operator redrives it or deletes it.
_SET_ASIDE = "UPDATE outbox SET failed_at = clock_timestamp(), failure = $2 WHERE id = $1"

_BACKLOG = """
SELECT count(*) AS rows, coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8 AS oldest_seconds
FROM outbox WHERE failed_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A message that waits to be published."""

    id: int
    topic: str
    key: str
    headers: dict[str, str]
    body: str

    @property
    def message(self) -> Message:
        """The message as the broker takes it."""
        return Message(self.topic, self.key, self.headers, self.body)


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much waits, and for how long the oldest has."""

    rows: int
    oldest_seconds: float


async def select_batch(connection: Connection, limit: int) -> list[OutboxRow]:
    """Read the oldest rows in their order."""
    rows = await connection.fetch(_SELECT_BATCH, limit)
    return [OutboxRow(**{**row, "headers": json.loads(row["headers"])}) for row in rows]


async def delete(connection: Connection, ids: list[int]) -> None:
    """Forget rows that the broker has confirmed."""
    await connection.execute(_DELETE, ids)


async def set_aside(connection: Connection, row_id: int, failure: str) -> None:
    """Keep a row that can never be sent out of the way, with the reason."""
    await connection.execute(_SET_ASIDE, row_id, failure)


async def read_backlog(connection: Connection) -> Backlog:
    """Measure what waits."""
    row = await connection.fetchrow(_BACKLOG)
    assert row is not None  # noqa: S101 - an aggregate has one row
    return Backlog(row["rows"], row["oldest_seconds"])
