"""What the file should say, by a query of its own: PostgreSQL's visibility function over live rows and history.

Nothing here is shared with the services, neither SQL nor formatting, so that both can't be wrong in the same way.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import asyncpg

Row = tuple[str, ...]

HEADER: Row = (
    "Ticket ID",
    "Title",
    "Status",
    "Priority",
    "Assignee",
    "Contact ID",
    "SLA Due (UTC)",
    "Created (UTC)",
)
FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
NO_FORMULA = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?|\+[0-9]{7,15}")

# Each table that the file is made from, with its key.
TABLES = {"tickets": "id", "statuses": "developer_name", "priorities": "developer_name", "staff": "id"}

_VERSIONS = """
{table}_then AS (
    SELECT {columns} FROM {schema}.{table} WHERE pg_visible_in_snapshot(valid_from, $1::text::pg_snapshot)
    UNION ALL
    SELECT {columns} FROM {schema}.{table}_history
    WHERE pg_visible_in_snapshot(valid_from, $1::text::pg_snapshot)
      AND NOT pg_visible_in_snapshot(valid_to, $1::text::pg_snapshot)
)"""

_EXPECTED = """
WITH {versions}
SELECT ticket.id::text,
       ticket.title,
       coalesce((SELECT label FROM statuses_then WHERE developer_name = ticket.status), ticket.status, ''),
       coalesce((SELECT label FROM priorities_then WHERE developer_name = ticket.priority), ticket.priority, ''),
       coalesce((SELECT concat_ws(' ', first_name, last_name) FROM staff_then WHERE id = ticket.assignee_id), ''),
       coalesce(ticket.contact_id::text, ''),
       coalesce(to_char(ticket.sla_due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), ''),
       to_char(ticket.creation_time AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')
FROM tickets_then ticket
WHERE ticket.deleted_at IS NULL
ORDER BY ticket.creation_time DESC, ticket.id DESC
"""

_COLUMNS = {
    "tickets": "id, title, status, priority, assignee_id, contact_id, sla_due_at, creation_time, deleted_at",
    "statuses": "developer_name, label",
    "priorities": "developer_name, label",
    "staff": "id, first_name, last_name",
}

# A change is a row and the transaction that made, replaced or deleted it: an update is one, though it leaves two marks.
_CHANGES = """
SELECT count(*) FROM (
    SELECT {key}, valid_from FROM {schema}.{table}
    WHERE NOT pg_visible_in_snapshot(valid_from, $1::text::pg_snapshot)
    UNION
    SELECT {key}, valid_from FROM {schema}.{table}_history
    WHERE NOT pg_visible_in_snapshot(valid_from, $1::text::pg_snapshot)
    UNION
    SELECT {key}, valid_to FROM {schema}.{table}_history
    WHERE NOT pg_visible_in_snapshot(valid_to, $1::text::pg_snapshot)
) changes
"""


@dataclass(frozen=True)
class Verdict:
    """What was found: rows in the file, changes in the source since the snapshot, rows that the file has wrong."""

    rows: int
    changes: int
    leaked: int

    @property
    def good(self) -> bool:
        """Whether the file is exact, and could have been inexact."""
        return self.leaked == 0 and self.changes > 0


async def judge(file: Path, admin_url: str, schema: str, snapshot: str) -> Verdict:
    """Compare the file with the source as of the snapshot, and count what has changed since."""
    connection = await asyncpg.connect(admin_url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            expected = [tuple(row) for row in await connection.fetch(expected_query(schema), snapshot)]
            changes = 0
            for table in TABLES:
                changes += await connection.fetchval(changes_query(schema, table), snapshot)
    finally:
        await connection.close()
    header, rows = read_csv(file)
    wrong = differences(rows, [guarded(row) for row in expected])
    return Verdict(len(rows), changes, wrong + (header != HEADER))


def expected_query(schema: str) -> str:
    """The statement for the rows that the default columns of the view `all` should show; $1 is the snapshot."""
    versions = ",".join(
        _VERSIONS.format(table=table, columns=columns, schema=schema) for table, columns in _COLUMNS.items()
    )
    return _EXPECTED.format(versions=versions)


def changes_query(schema: str, table: str) -> str:
    """The statement that counts the changes of a table since the snapshot $1."""
    return _CHANGES.format(schema=schema, table=table, key=TABLES[table])


def guarded(row: Iterable[str]) -> Row:
    """The row as a spreadsheet may be shown it: an apostrophe before what would be a formula."""
    return tuple(
        f"'{cell}" if cell.startswith(FORMULA_STARTS) and not NO_FORMULA.fullmatch(cell) else cell for cell in row
    )


def read_csv(file: Path) -> tuple[Row, list[Row]]:
    """Header and rows of a file that starts with a byte-order mark."""
    with file.open(encoding="utf-8-sig", newline="") as text:
        header, *rows = (tuple(row) for row in csv.reader(text))
    return header, rows


def differences(actual: list[Row], expected: list[Row]) -> int:
    """How many rows are there that should not be, or should be and are not; a changed row counts once.

    Rows in another order count as far as they are out of place.
    """
    surplus, missing = Counter(actual) - Counter(expected), Counter(expected) - Counter(actual)
    if not surplus and not missing:
        return sum(one != other for one, other in zip(actual, expected, strict=True))
    return len({row[0] for row in (*surplus, *missing)})
