"""Columns: label, what kind of cell it is, and its value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from support.evaluator.custom import cell_of
from support.evaluator.guard import guarded
from support.evaluator.helpdesk import Helpdesk, Row, is_snoozed, person_name
from support.evaluator.view import CUSTOM, View


@dataclass(frozen=True)
class Column:
    """kind is "text" (guarded), "plain" (never) or "instant"."""

    label: str
    kind: str
    value: Callable[[View, Row], Any]


def _stored(name: str) -> Callable[[View, Row], Any]:
    return lambda _view, ticket: ticket[name]


def _label(table: Callable[[Helpdesk], Mapping[str, Row]], name: str) -> Callable[[View, Row], Any]:
    def value(view: View, ticket: Row) -> Any:
        row = table(view.desk).get(ticket[name])
        return row["label"] if row else ticket[name]

    return value


def _staff(name: str) -> Callable[[View, Row], Any]:
    return lambda view, ticket: person_name(view.desk.staff.get(ticket[name]))


def _team(view: View, ticket: Row) -> Any:
    team = view.desk.teams.get(ticket["owning_team_id"])
    return team["name"] if team else None


def _contact(name: str) -> Callable[[View, Row], Any]:
    return lambda view, ticket: (view.desk.contact_of(ticket) or {}).get(name)


def tags_of(ticket: Row) -> list[str]:
    """The ticket's tags, in order."""
    return [tag for tag in ticket["tags"] or [] if tag is not None]


def _tasks(view: View, ticket: Row) -> str:
    tasks = view.desk.tasks_of(ticket)
    return f"{sum(task['is_closed'] for task in tasks)} / {len(tasks)}"


COLUMNS: dict[str, Column] = {
    "id": Column("Ticket ID", "plain", _stored("id")),
    "title": Column("Title", "text", _stored("title")),
    "status": Column("Status", "text", _label(lambda desk: desk.statuses, "status")),
    "priority": Column("Priority", "text", _label(lambda desk: desk.priorities, "priority")),
    "language": Column("Language", "text", _label(lambda desk: desk.languages, "language")),
    "category": Column("Category", "text", _stored("category")),
    "assignee_name": Column("Assignee", "text", _staff("assignee_id")),
    "owning_team_name": Column("Team", "text", _team),
    "contact_id": Column("Contact ID", "plain", _stored("contact_id")),
    "contact_name": Column("Contact", "text", lambda view, ticket: person_name(view.desk.contact_of(ticket))),
    "sla_status": Column("SLA Status", "text", _stored("sla_status")),
    "sla_due_at": Column("SLA Due", "instant", _stored("sla_due_at")),
    "creation_time": Column("Created", "instant", _stored("creation_time")),
    "last_modification_time": Column("Last Updated", "instant", _stored("last_modification_time")),
    "closed_at": Column("Closed", "instant", _stored("closed_at")),
    "tags": Column("Tags", "text", lambda _view, ticket: ", ".join(tags_of(ticket))),
    "created_by_name": Column("Created By", "text", _staff("created_by_staff_id")),
    "description": Column("Description", "text", _stored("description")),
    "is_snoozed": Column("Snoozed", "plain", lambda view, ticket: is_snoozed(ticket, view.requested_at)),
    "snoozed_until": Column("Snoozed Until", "instant", _stored("snoozed_until")),
    "tasks": Column("Tasks", "text", _tasks),
    "contact_email": Column("Contact Email", "text", _contact("email")),
    "contact_first_name": Column("Contact First Name", "text", _contact("first_name")),
    "contact_last_name": Column("Contact Last Name", "text", _contact("last_name")),
    "assignee_id": Column("Assignee ID", "plain", _stored("assignee_id")),
    "owning_team_id": Column("Team ID", "plain", _stored("owning_team_id")),
    "created_by_staff_id": Column("Created By ID", "plain", _stored("created_by_staff_id")),
    "resolved_at": Column("Resolved", "instant", _stored("resolved_at")),
}


def text_of(view: View, ticket: Row, name: str) -> str:
    """The cell as it is before the formula guard; nothing for no value."""
    if name.startswith(CUSTOM):
        return cell_of(view.custom_value(ticket, name))
    value = COLUMNS[name].value(view, ticket)
    if isinstance(value, datetime):
        return _instant(view, value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def cell(view: View, ticket: Row, name: str) -> str:
    """The cell as the file has it."""
    text = text_of(view, ticket, name)
    return guarded(text) if view.for_spreadsheets and _is_text(view, name) else text


def _is_text(view: View, name: str) -> bool:
    if name.startswith(CUSTOM):
        return view.custom_type(name) in {"text", "select"}
    return COLUMNS[name].kind == "text"


def header_of(view: View, name: str) -> str:
    """What stands above the column."""
    if not view.for_spreadsheets:
        return name
    if name.startswith(CUSTOM):
        return guarded(str(view.custom_definition(name)["label"]))
    column = COLUMNS[name]
    return f"{column.label} ({view.zone_name})" if column.kind == "instant" else column.label


def _instant(view: View, value: datetime) -> str:
    if view.for_spreadsheets:
        return value.astimezone(view.zone).replace(tzinfo=None, microsecond=0).isoformat(" ")
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
