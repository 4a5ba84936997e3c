"""The fields that a view can be filtered by: one entry each; what can be asked of them is in operators.py."""

from dataclasses import dataclass
from enum import Enum

from ticket_export.views.columns import COLUMNS
from ticket_export.views.labels import CONTACT, PRIORITY, STATUS
from ticket_export.views.reading import Expression, labelled, plain

SLA_STATUSES = ("on_track", "approaching_breach", "breached", "completed")
STATUS_TYPES = ("open", "closed")


class FieldKind(Enum):
    """What a field's values are, and so which operators it has."""

    STRING = "string"
    TAGS = "tags"
    NUMBER = "number"
    SELECTION = "selection"
    PRIORITY = "priority"
    USER = "user"
    DATE = "date"
    DAY = "day"
    BOOLEAN = "boolean"


class Choices(Enum):
    """Which table of the helpdesk says what may be chosen."""

    STATUSES = "statuses"
    PRIORITIES = "priorities"
    LANGUAGES = "languages"
    TEAMS = "teams"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Field:
    """One field. ``choices``: what may be chosen, in the helpdesk or fixed; None: anything.

    ``requires`` is AND-ed to every condition on it. ``may_be_empty`` gives a selection the operators for no value.
    ``whole`` numbers are ids.
    """

    name: str
    label: str
    kind: FieldKind
    expression: Expression
    choices: Choices | tuple[str, ...] | None = None
    requires: Expression | None = None
    may_be_empty: bool = False
    whole: bool = False


_CONTACT_EXISTS = labelled(CONTACT, "({row}.id IS NOT NULL AND {row}.deleted_at IS NULL)")


def _of_contact(name: str, label: str) -> Field:
    value = labelled(CONTACT, f"{{row}}.{name}")
    return Field(f"contact.{name}", label, FieldKind.STRING, value, requires=_CONTACT_EXISTS)


def _string(name: str) -> Field:
    return Field(name, COLUMNS[name].label, FieldKind.STRING, plain(f"t.{name}"))


def _date(name: str) -> Field:
    return Field(name, COLUMNS[name].label, FieldKind.DATE, plain(f"t.{name}"))


def _number(name: str) -> Field:
    return Field(name, COLUMNS[name].label, FieldKind.NUMBER, plain(f"t.{name}"), whole=True)


def _user(name: str, label: str) -> Field:
    return Field(name, label, FieldKind.USER, plain(f"t.{name}"), Choices.STAFF)


def _flag(name: str, label: str, expression: Expression) -> Field:
    return Field(name, label, FieldKind.BOOLEAN, expression)


def _has_row(name: str, label: str, table: str, condition: str = "") -> Field:
    return _flag(name, label, lambda reading: reading.exists(table, f"r.ticket_id = t.id{condition}"))


_ALL = (
    _string("title"),
    _string("description"),
    _string("category"),
    Field("tags", "Tags", FieldKind.TAGS, plain("t.tags")),
    _of_contact("first_name", "Contact First Name"),
    _of_contact("last_name", "Contact Last Name"),
    _of_contact("email", "Contact Email"),
    _of_contact("phone", "Contact Phone"),
    _of_contact("organization_account", "Contact Organization"),
    _number("id"),
    _number("contact_id"),
    Field("status", "Status", FieldKind.SELECTION, plain("t.status"), Choices.STATUSES),
    Field("language", "Language", FieldKind.SELECTION, plain("t.language"), Choices.LANGUAGES),
    Field("owning_team_id", "Team", FieldKind.SELECTION, plain("t.owning_team_id"), Choices.TEAMS, may_be_empty=True),
    Field("priority", "Priority", FieldKind.PRIORITY, plain("t.priority"), Choices.PRIORITIES),
    Field("status_type", "Status Type", FieldKind.SELECTION, labelled(STATUS, "{row}.status_type"), STATUS_TYPES),
    Field("sla_status", "SLA Status", FieldKind.SELECTION, plain("t.sla_status"), SLA_STATUSES),
    _user("assignee_id", "Assignee"),
    _user("created_by_staff_id", "Created By"),
    _date("creation_time"),
    _date("last_modification_time"),
    _date("closed_at"),
    _date("resolved_at"),
    _date("sla_due_at"),
    _flag("sla_breached", "SLA Breached", plain("(t.sla_breached_at IS NOT NULL)")),
    _flag("has_contact", "Has Contact", plain("(t.contact_id IS NOT NULL)")),
    _has_row("has_attachments", "Has Attachments", "attachments"),
    _has_row("has_comments", "Has Comments", "comments"),
    _flag("is_snoozed", "Snoozed", COLUMNS["is_snoozed"].expression),
    _has_row("has_tasks", "Has Tasks", "ticket_tasks", " AND r.deleted_at IS NULL"),
    _has_row(
        "has_incomplete_tasks", "Has Incomplete Tasks", "ticket_tasks", " AND r.deleted_at IS NULL AND NOT r.is_closed"
    ),
)

FIELDS: dict[str, Field] = {field.name: field for field in _ALL}

PRIORITY_RANK: Expression = labelled(PRIORITY, "{row}.sort_order")
