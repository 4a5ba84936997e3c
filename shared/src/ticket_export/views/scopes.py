"""The scopes of a view: which tickets it is about, judged as of the snapshot and the moment of the request."""

from dataclasses import dataclass
from typing import Literal

from ticket_export.views.labels import STATUS, LabelTable

ScopeName = Literal["all", "open", "unassigned", "overdue"]

# The comparison stands inside the CASE: outside, the planner takes one ticket in 200 for open and reads them all first.
_OPEN = STATUS.value("{row}.status_type = 'open'")
# {requested_at} is filled with the literal of the request's instant, never with now().
_NOT_SNOOZED = "(t.snoozed_until IS NULL OR t.snoozed_until <= {requested_at})"


@dataclass(frozen=True, slots=True)
class Scope:
    """A named set of tickets; ``conditions`` are AND-ed and may name the ticket ``t`` and ``tables``."""

    label: str
    conditions: tuple[str, ...] = ()
    tables: tuple[LabelTable, ...] = ()


SCOPES: dict[ScopeName, Scope] = {
    "all": Scope("All tickets"),
    "open": Scope("Open tickets", (_OPEN, _NOT_SNOOZED), (STATUS,)),
    "unassigned": Scope(
        "Unassigned tickets",
        ("t.assignee_id IS NULL", "t.owning_team_id IS NULL", _OPEN, _NOT_SNOOZED),
        (STATUS,),
    ),
    "overdue": Scope("Overdue tickets", ("t.sla_status = 'breached'", _OPEN, _NOT_SNOOZED), (STATUS,)),
}
