"""Quick filters: what stands in the bar above a list of tickets; each is one entry, and all that are given must hold."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ticket_export.views.faults import ViewError, unknown
from ticket_export.views.fields import FIELDS, STATUS_TYPES
from ticket_export.views.operators import Moment, checked_id, find_operator, parse_value
from ticket_export.views.reading import Reading
from ticket_export.views.scopes import has_status_type, is_not_snoozed, is_snoozed

Snooze = Literal["snoozed", "not_snoozed", "any"]

OWNER_FORMS = ("X", "unassigned", "team:X", "team:X:unassigned", "team:X:assignee:Y")


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose tickets: ``None`` leaves team or assignee open; ``unassigned`` asks for no assignee."""

    team_id: str | None = None
    assignee_id: str | None = None
    unassigned: bool = False


def parse_owner(value: Any) -> Owner:
    """Read ``assignee_id`` in any of its forms; raise ViewError for anything else."""
    match value.split(":") if isinstance(value, str) else None:
        case ["unassigned"]:
            return Owner(unassigned=True)
        case ["team", team]:
            return Owner(checked_id(team))
        case ["team", team, "unassigned"]:
            return Owner(checked_id(team), unassigned=True)
        case ["team", team, "assignee", assignee]:
            return Owner(checked_id(team), checked_id(assignee))
        case [assignee]:
            return Owner(assignee_id=checked_id(assignee))
    raise ViewError(f"the value is one of {', '.join(OWNER_FORMS)}, with ids for X and Y")


def _owned(_: Reading, owner: Owner) -> str:
    conditions = []
    if owner.team_id is not None:
        conditions.append(f"t.owning_team_id = '{owner.team_id}'::uuid")
    if owner.unassigned:
        conditions.append("t.assignee_id IS NULL")
    if owner.assignee_id is not None:
        conditions.append(f"t.assignee_id = '{owner.assignee_id}'::uuid")
    return " AND ".join(conditions)


def _snoozed(reading: Reading, value: Snooze) -> str:
    match value:
        case "snoozed":
            return is_snoozed(reading)
        case "not_snoozed":
            return is_not_snoozed(reading)
        case "any":
            return "true"


@dataclass(frozen=True, slots=True)
class QuickFilter:
    """One member: ``parse`` raises ViewError, ``build`` takes what it returned.

    ``field`` or ``allowed`` says what may be chosen, ``forms`` what its text can look like besides.
    """

    label: str
    parse: Callable[[Any, Moment], Any]
    build: Callable[[Reading, Any], str]
    field: str | None = None
    allowed: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()


def _of_field(name: str, operator: str, label: str) -> QuickFilter:
    field = FIELDS[name]
    asked = find_operator(field, operator)

    def parse(value: Any, moment: Moment) -> Any:
        return parse_value(field, asked, value, moment)

    return QuickFilter(label, parse, lambda reading, value: asked.build(reading, field, value), name)


def _one_of(label: str, allowed: tuple[str, ...], build: Callable[[Reading, Any], str]) -> QuickFilter:
    def parse(value: Any, _: Moment) -> str:
        if value not in allowed:
            raise unknown("value", value, allowed)
        return str(value)

    return QuickFilter(label, parse, build, allowed=allowed)


QUICK_FILTERS: dict[str, QuickFilter] = {
    "status": _of_field("status", "is", "Status"),
    "status_type": _one_of("Status type", STATUS_TYPES, has_status_type),
    "priority": _of_field("priority", "is", "Priority"),
    "team_id": _of_field("owning_team_id", "is", "Team"),
    "contact_id": _of_field("contact_id", "eq", "Contact"),
    "created_by_id": _of_field("created_by_staff_id", "is", "Created by"),
    "snooze": _one_of("Snooze", get_args(Snooze), _snoozed),
    "assignee_id": QuickFilter(
        "Assignee", lambda value, _: parse_owner(value), _owned, "assignee_id", forms=OWNER_FORMS
    ),
}
SNOOZE = "snooze"
