"""Filter fields: the type of each, and what it holds for a ticket."""

from collections.abc import Callable
from typing import Any

from support.evaluator.columns import tags_of
from support.evaluator.helpdesk import Row, is_snoozed
from support.evaluator.view import CUSTOM, View

CONTACT = "contact."
_CUSTOM_KINDS = {
    "text": "string",
    "number": "number",
    "date": "custom date",
    "boolean": "boolean",
    "select": "selection",
}
KINDS: dict[str, tuple[str, ...]] = {
    "string": (
        "title",
        "description",
        "category",
        "contact.first_name",
        "contact.last_name",
        "contact.email",
        "contact.phone",
        "contact.organization_account",
    ),
    "tags": ("tags",),
    "number": ("id", "contact_id"),
    "selection": ("language", "owning_team_id", "sla_status", "status_type"),
    "status": ("status",),
    "priority": ("priority",),
    "selection of staff": ("assignee_id", "created_by_staff_id"),
    "date": ("creation_time", "last_modification_time", "closed_at", "resolved_at", "sla_due_at"),
    "boolean": (
        "sla_breached",
        "has_contact",
        "has_attachments",
        "has_comments",
        "is_snoozed",
        "has_tasks",
        "has_incomplete_tasks",
    ),
}
_KIND_OF = {name: kind for kind, names in KINDS.items() for name in names}
_BOOLEANS: dict[str, Callable[[View, Row], bool]] = {
    "sla_breached": lambda _view, ticket: ticket["sla_breached_at"] is not None,
    "has_contact": lambda _view, ticket: ticket["contact_id"] is not None,
    "has_attachments": lambda view, ticket: ticket["id"] in view.desk.with_attachments,
    "has_comments": lambda view, ticket: ticket["id"] in view.desk.with_comments,
    "is_snoozed": lambda view, ticket: is_snoozed(ticket, view.requested_at),
    "has_tasks": lambda view, ticket: bool(view.desk.tasks_of(ticket)),
    "has_incomplete_tasks": lambda view, ticket: not all(task["is_closed"] for task in view.desk.tasks_of(ticket)),
}


def kind_of(view: View, field: str) -> str:
    """By which operators the field is judged."""
    return _CUSTOM_KINDS[view.custom_type(field)] if field.startswith(CUSTOM) else _KIND_OF[field]


def value_of(view: View, ticket: Row, field: str) -> Any:
    """What the ticket holds; None for no value."""
    if field.startswith(CUSTOM):
        return view.custom_value(ticket, field)
    if field.startswith(CONTACT):
        return (view.desk.contact_of(ticket) or {}).get(field.removeprefix(CONTACT))
    if field in _BOOLEANS:
        return _BOOLEANS[field](view, ticket)
    if field == "tags":
        return tags_of(ticket)
    return view.desk.status_type_of(ticket) if field == "status_type" else ticket[field]
