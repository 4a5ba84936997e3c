"""The scopes of a view: which tickets it is about, judged as of the snapshot and the instant of the request."""

from collections.abc import Callable
from dataclasses import dataclass

from ticket_export.views.columns import COLUMNS
from ticket_export.views.labels import STATUS
from ticket_export.views.literals import text
from ticket_export.views.reading import Reading

Condition = Callable[[Reading], str]


@dataclass(frozen=True, slots=True)
class Scope:
    """A named set of tickets: ``conditions`` are AND-ed; snoozed tickets are left out unless ``keeps_snoozed``."""

    label: str
    conditions: tuple[Condition, ...] = ()
    keeps_snoozed: bool = False


def has_status_type(reading: Reading, status_type: str) -> str:
    """Return the condition that the ticket's status is of the type."""
    return reading.value(STATUS, lambda row: f"{row}.status_type = {text(status_type)}")


def is_snoozed(reading: Reading) -> str:
    """Return the condition that a ticket is snoozed."""
    return COLUMNS["is_snoozed"].expression(reading)


def is_not_snoozed(reading: Reading) -> str:
    """Return the condition that a ticket is not snoozed; said so that it reads few columns and is estimated well."""
    return f"(t.snoozed_until IS NULL OR t.snoozed_until <= {reading.now})"


def _open(reading: Reading) -> str:
    return has_status_type(reading, "open")


def _closed(reading: Reading) -> str:
    return has_status_type(reading, "closed")


def _nobodys(_: Reading) -> str:
    return "t.assignee_id IS NULL AND t.owning_team_id IS NULL"


def _mine(reading: Reading) -> str:
    return f"t.assignee_id = '{reading.requester_id}'::uuid"


def _created_by_me(reading: Reading) -> str:
    return f"t.created_by_staff_id = '{reading.requester_id}'::uuid"


def _of_my_teams(reading: Reading) -> str:
    return f"t.owning_team_id = ANY ('{{{','.join(map(str, reading.requester_team_ids))}}}'::uuid[])"


def _followed(reading: Reading) -> str:
    # One person follows few: found once, instead of asked of every ticket.
    followed = reading.lookup("followers", "r.ticket_id", f"r.staff_id = '{reading.requester_id}'::uuid")
    return f"t.id = ANY (ARRAY{followed})"


def _breached(_: Reading) -> str:
    return "t.sla_status = 'breached'"


SCOPES: dict[str, Scope] = {
    "all": Scope("All tickets", keeps_snoozed=True),
    "open": Scope("Open tickets", (_open,)),
    "closed": Scope("Closed tickets", (_closed,), keeps_snoozed=True),
    "snoozed": Scope("Snoozed tickets", (is_snoozed,), keeps_snoozed=True),
    "unassigned": Scope("Unassigned tickets", (_nobodys, _open)),
    "my_tickets": Scope("My tickets", (_mine, _open)),
    "created_by_me": Scope("Created by me", (_created_by_me, _open)),
    "team_tickets": Scope("Team tickets", (_of_my_teams, _open)),
    "following": Scope("Following", (_followed, _open)),
    "overdue": Scope("Overdue tickets", (_breached, _open)),
}

# Other names that views in the field use.
SCOPE_ALIASES = {"recently_closed": "closed"}


def scope_names() -> list[str]:
    """Return every name under which a scope may be asked for."""
    return [*SCOPES, *SCOPE_ALIASES]


def find_scope(name: str) -> Scope:
    """Return a scope by any of its names; raise KeyError for none."""
    return SCOPES[SCOPE_ALIASES.get(name, name)]
