"""Scopes, quick filters and search: the other ways in which a payload leaves tickets out."""

from collections.abc import Callable
from typing import Any

from support.evaluator.columns import text_of
from support.evaluator.conditions import status_is
from support.evaluator.helpdesk import Row, is_snoozed
from support.evaluator.view import View

SEARCHABLE = (
    "title",
    "description",
    "category",
    "status",
    "priority",
    "id",
    "contact_id",
    "contact_name",
    "assignee_name",
    "owning_team_name",
    "created_by_name",
    "tags",
)
_WITH_SNOOZED = {"all", "snoozed", "closed", "recently_closed"}


def _requester(view: View) -> Any:
    return view.payload.get("requester_id")


_OPEN_SCOPES: dict[str, Callable[[View, Row], bool]] = {
    "open": lambda _view, _ticket: True,
    "unassigned": lambda _view, ticket: ticket["assignee_id"] is None and ticket["owning_team_id"] is None,
    "my_tickets": lambda view, ticket: ticket["assignee_id"] == _requester(view),
    "created_by_me": lambda view, ticket: ticket["created_by_staff_id"] == _requester(view),
    "team_tickets": lambda view, ticket: ticket["owning_team_id"] in view.payload.get("requester_team_ids", ()),
    "following": lambda view, ticket: (ticket["id"], _requester(view)) in view.desk.followers,
    "overdue": lambda _view, ticket: ticket["sla_status"] == "breached",
}


def in_scope(view: View, ticket: Row) -> bool:
    """Whether the ticket is in the payload's scope, its rule about snoozed ones included."""
    scope = view.payload.get("scope", "all")
    by_itself = "snooze" in (view.payload.get("quick_filters") or {}) or scope in _WITH_SNOOZED
    if is_snoozed(ticket, view.requested_at) and not by_itself:
        return False
    match scope:
        case "all":
            return True
        case "snoozed":
            return is_snoozed(ticket, view.requested_at)
        case "closed" | "recently_closed":
            return view.desk.status_type_of(ticket) == "closed"
    return view.desk.status_type_of(ticket) == "open" and _OPEN_SCOPES[scope](view, ticket)


def passes_quick_filters(view: View, ticket: Row) -> bool:
    """Whether all that are given hold."""
    given = view.payload.get("quick_filters") or {}
    return all(_QUICK[name](view, ticket, value) for name, value in given.items() if value is not None)


def _assignee(_view: View, ticket: Row, value: str) -> bool:
    team, assignee = ticket["owning_team_id"], ticket["assignee_id"]
    match value.split(":"):
        case ["unassigned"]:
            return assignee is None
        case ["team", sought]:
            return bool(team == sought)
        case ["team", sought, "unassigned"]:
            return bool(team == sought) and assignee is None
        case ["team", sought, "assignee", person]:
            return (team, assignee) == (sought, person)
    return bool(assignee == value)


def _snooze(view: View, ticket: Row, value: str) -> bool:
    return value == "any" or is_snoozed(ticket, view.requested_at) == (value == "snoozed")


_QUICK: dict[str, Callable[[View, Row, Any], bool]] = {
    "status": lambda _view, ticket, value: status_is(ticket["status"], value),
    "status_type": lambda view, ticket, value: view.desk.status_type_of(ticket) == value,
    "priority": lambda _view, ticket, value: ticket["priority"] == value,
    "team_id": lambda _view, ticket, value: ticket["owning_team_id"] == value,
    "contact_id": lambda _view, ticket, value: ticket["contact_id"] == value,
    "created_by_id": lambda _view, ticket, value: ticket["created_by_staff_id"] == value,
    "assignee_id": _assignee,
    "snooze": _snooze,
}


def is_found(view: View, ticket: Row) -> bool:
    """Whether the search finds the ticket; without one, it does."""
    if view.payload.get("search") is None:
        return True
    sought = view.payload["search"].strip(" ")
    selected = [name for name in view.columns if name in SEARCHABLE]
    places = selected or ["title", "description", "id", "contact_name"]
    found = any(view.strings.lower(sought) in view.strings.lower(text_of(view, ticket, name)) for name in places)
    return found or (not selected and text_of(view, ticket, "contact_id") == sought)
