"""An independent reading of the helpdesk as of a snapshot, sharing no code with the compiler.

It asks PostgreSQL's own pg_visible_in_snapshot() and does everything else in Python.
"""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import asyncpg

HEADER = ["Ticket ID", "Title", "Status", "Priority", "Assignee", "Contact ID", "SLA Due (UTC)", "Created (UTC)"]

Row = dict[str, Any]


async def _visible(connection: "asyncpg.Connection[asyncpg.Record]", table: str, snapshot: str) -> list[Row]:
    rows = await connection.fetch(
        f"""
        SELECT * FROM helpdesk.{table} WHERE pg_visible_in_snapshot(valid_from, $1::text::pg_snapshot)
        """,
        snapshot,
    )
    old = await connection.fetch(
        f"""
        SELECT * FROM helpdesk.{table}_history WHERE pg_visible_in_snapshot(valid_from, $1::text::pg_snapshot)
        AND NOT pg_visible_in_snapshot(valid_to, $1::text::pg_snapshot)
        """,
        snapshot,
    )
    return [dict(row) for row in (*rows, *old)]


def _moment(value: datetime | None) -> str:
    return "" if value is None else value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _guard(value: str) -> str:
    plain = value.lstrip("+-").replace(".", "", 1)
    if plain.isascii() and plain.isdigit() and value[:1] in "+-":
        return value
    return "'" + value if value[:1] in set("=+-@\t\r\n＝＋－＠") and value else value


def _in_scope(ticket: Row, scope: str, status_type: str | None, requested_at: datetime) -> bool:
    if ticket["deleted_at"] is not None:
        return False
    if scope == "all":
        return True
    snoozed = ticket["snoozed_until"] is not None and ticket["snoozed_until"] > requested_at
    if status_type != "open" or snoozed:
        return False
    if scope == "unassigned":
        return ticket["assignee_id"] is None and ticket["owning_team_id"] is None
    return scope == "open" or ticket["sla_status"] == "breached"


async def expected_rows(
    connection: "asyncpg.Connection[asyncpg.Record]", *, snapshot: str, requested_at: datetime, scope: str
) -> list[list[str]]:
    """Return the file's cells as they must be, header first."""
    statuses = {row["developer_name"]: row for row in await _visible(connection, "statuses", snapshot)}
    priorities = {row["developer_name"]: row["label"] for row in await _visible(connection, "priorities", snapshot)}
    staff = {row["id"]: row for row in await _visible(connection, "staff", snapshot)}
    tickets = await _visible(connection, "tickets", snapshot)
    tickets.sort(key=lambda row: (row["creation_time"], row["id"]), reverse=True)
    lines = [HEADER]
    for ticket in tickets:
        status = statuses.get(ticket["status"])
        status_type = status["status_type"] if status else None
        if not _in_scope(ticket, scope, status_type, requested_at):
            continue
        person = staff.get(ticket["assignee_id"])
        names = [person["first_name"], person["last_name"]] if person else []
        lines.append(
            [
                str(ticket["id"]),
                _guard(ticket["title"]),
                _guard(status["label"] if status else ticket["status"] or ""),
                _guard(priorities.get(ticket["priority"], ticket["priority"]) or ""),
                _guard(" ".join(name for name in names if name is not None)),
                "" if ticket["contact_id"] is None else str(ticket["contact_id"]),
                _moment(ticket["sla_due_at"]),
                _moment(ticket["creation_time"]),
            ]
        )
    return lines


def parse_csv(content: bytes) -> list[list[str]]:
    """Read a spreadsheet-profile file; it begins with a byte-order mark."""
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
