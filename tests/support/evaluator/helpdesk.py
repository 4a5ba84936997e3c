"""The helpdesk's rows at one moment, found by their keys."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]


@dataclass(frozen=True)
class Helpdesk:
    """Ids of staff and teams are texts, as they are in a payload; custom values are parsed, numbers exactly."""

    tickets: list[Row]
    statuses: dict[str, Row]
    priorities: dict[str, Row]
    languages: dict[str, Row]
    staff: dict[str, Row]
    teams: dict[str, Row]
    contacts: dict[int, Row]
    tasks: dict[int, list[Row]]
    with_comments: frozenset[int]
    with_attachments: frozenset[int]
    followers: frozenset[tuple[int, str]]

    @classmethod
    def from_tables(cls, tables: Tables) -> "Helpdesk":
        """Take rows as ``SELECT *`` gives them."""
        rows = {name: [_plain(row) for row in kept] for name, kept in tables.items()}
        tasks = defaultdict(list)
        for task in rows["ticket_tasks"]:
            tasks[task["ticket_id"]].append(task)
        return cls(
            tickets=[{**ticket, "custom": _json(ticket["custom"])} for ticket in rows["tickets"]],
            statuses=_by(rows["statuses"], "developer_name"),
            priorities=_by(rows["priorities"], "developer_name"),
            languages=_by(rows["languages"], "developer_name"),
            staff=_by(rows["staff"], "id"),
            teams=_by(rows["teams"], "id"),
            contacts=_by(rows["contacts"], "id"),
            tasks=dict(tasks),
            with_comments=frozenset(row["ticket_id"] for row in rows["comments"]),
            with_attachments=frozenset(row["ticket_id"] for row in rows["attachments"]),
            followers=frozenset((row["ticket_id"], row["staff_id"]) for row in rows["followers"]),
        )

    def contact_of(self, ticket: Row) -> Row | None:
        """The ticket's contact, if there is one and it is not soft-deleted."""
        contact = self.contacts.get(ticket["contact_id"])
        return contact if contact and contact["deleted_at"] is None else None

    def status_type_of(self, ticket: Row) -> str | None:
        """Whether it is open or closed; neither when its status has no row."""
        status = self.statuses.get(ticket["status"])
        return status["status_type"] if status else None

    def tasks_of(self, ticket: Row) -> list[Row]:
        """Its tasks that are not soft-deleted."""
        return [task for task in self.tasks.get(ticket["id"], []) if task["deleted_at"] is None]


def person_name(person: Row | None) -> str:
    """First and last name with a space between, blanks at the ends cut; nothing when there is nobody."""
    if person is None:
        return ""
    return " ".join(name for name in (person["first_name"], person["last_name"]) if name is not None).strip(" ")


def is_snoozed(ticket: Row, at: datetime) -> bool:
    """Whether it is to sleep beyond that instant."""
    return ticket["snoozed_until"] is not None and ticket["snoozed_until"] > at


def _by(rows: Iterable[Row], key: str) -> dict[Any, Row]:
    return {row[key]: row for row in rows}


def _plain(row: Row) -> Row:
    return {name: str(value) if isinstance(value, UUID) else value for name, value in row.items()}


def _json(text: str | None) -> Any:
    return {} if text is None else json.loads(text, parse_float=Decimal, parse_int=Decimal)
