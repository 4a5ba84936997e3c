"""What became of a batch, row by row. Pure.

After a failure, later rows of the same key count as not sent, even when the broker took them: they are sent again
behind the failed one, so that a subscriber sees each key in order, if some of it twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from export_api.queries.outbox import OutboxRow

# What Kafka says of a row that it will never take.
REFUSALS = (MessageSizeTooLargeError, RecordListTooLargeError)


@dataclass(frozen=True, slots=True)
class Sorted:
    """``confirmed`` may be forgotten, ``suspects`` may never be sendable, the rest is tried again."""

    confirmed: list[int]
    suspects: list[OutboxRow]


def is_permanent(error: Exception) -> bool:
    """Tell whether the row itself is at fault: Kafka refuses it, or our client cannot even encode it."""
    return isinstance(error, REFUSALS) or not isinstance(error, KafkaError)


def sort_out(rows: Sequence[OutboxRow], results: Sequence[Exception | None]) -> Sorted:
    """Sort the rows of a batch by what the broker said of each."""
    confirmed: list[int] = []
    suspects: list[OutboxRow] = []
    blocked: set[tuple[str, str]] = set()
    for row, error in zip(rows, results, strict=True):
        key = (row.topic, row.key)
        if key in blocked:
            continue
        if error is None:
            confirmed.append(row.id)
            continue
        blocked.add(key)
        if is_permanent(error):
            suspects.append(row)
    return Sorted(confirmed, suspects)
