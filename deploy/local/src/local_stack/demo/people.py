"""Who can sign in to the demo, what each may do, and the views they saved; ids never change, so tests can name them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from ticket_export.permissions import SystemPermissions


@dataclass(frozen=True, slots=True)
class Role:
    """A named set of rights."""

    id: UUID
    developer_name: str
    label: str
    permissions: SystemPermissions


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """A staff member who can sign in."""

    id: UUID
    username: str
    first_name: str
    last_name: str
    is_admin: bool
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True)
class SavedView:
    """A view in the helpdesk; without an owner it is everyone's. One that says ``more`` than a scope is version 2."""

    id: UUID
    name: str
    scope: str
    owner: DemoPerson | None = None
    more: Mapping[str, object] = field(default_factory=dict)

    @property
    def definition(self) -> str:
        """The view as the helpdesk stores it, JSON."""
        return json.dumps({"version": 2 if self.more else 1, "scope": self.scope, **self.more})


AGENT = Role(UUID(int=0x201), "agent", "Agent", SystemPermissions.MANAGE_TICKETS)
EXPORTS = Role(UUID(int=0x202), "exports", "Import and export", SystemPermissions.IMPORT_EXPORT_TICKETS)
ADMINISTRATOR = Role(
    UUID(int=0x203),
    "administrator",
    "Administrator",
    ~SystemPermissions.IMPORT_EXPORT_TICKETS,
)
ROLES = (AGENT, EXPORTS, ADMINISTRATOR)

ADA = DemoPerson(UUID(int=0x101), "ada", "Ada", "Lindqvist", is_admin=True, roles=(ADMINISTRATOR, EXPORTS))
BOB = DemoPerson(UUID(int=0x102), "bob", "Bob", "Meyer", is_admin=True, roles=(ADMINISTRATOR,))
CARA = DemoPerson(UUID(int=0x103), "cara", "Cara", "Silva", is_admin=False, roles=(AGENT, EXPORTS))
DAN = DemoPerson(UUID(int=0x104), "dan", "Dan", "Kowalski", is_admin=False, roles=(AGENT,))
PEOPLE = (ADA, BOB, CARA, DAN)

OPEN_WORK = SavedView(UUID(int=0x301), "Open work", "open")
BROKEN_PROMISES = SavedView(UUID(int=0x302), "Broken promises", "overdue")
CARAS_PICKUPS = SavedView(UUID(int=0x303), "Cara's pick-ups", "unassigned", owner=CARA)
RECENTLY_UPDATED = SavedView(
    UUID(int=0x304),
    "Recently Updated",
    "all",
    more={
        "columns": ["id", "title", "status", "priority", "assignee_name", "last_modification_time"],
        "sort": [{"field": "last_modification_time", "direction": "desc"}],
    },
)
MY_ACTIVE_TICKETS = SavedView(UUID(int=0x305), "My Active Tickets", "my_tickets")
NEEDS_ATTENTION = SavedView(
    UUID(int=0x306),
    "Needs attention",
    "open",
    more={
        "columns": [
            "id", "title", "priority", "custom.impact", "custom.urgency", "owning_team_name", "assignee_name",
            "sla_status", "sla_due_at", "tags", "custom.location",
        ],
        "filters": {
            "all": [{"field": "priority", "operator": "gte", "value": "moderate"}],
            "any": [
                {"field": "sla_status", "operator": "is", "value": "breached"},
                {"field": "tags", "operator": "eq", "value": "problem"},
                {"field": "custom.urgency", "operator": "starts_with", "value": "1"},
            ],
        },
        "sort": [{"field": "priority", "direction": "desc"}, {"field": "sla_due_at", "direction": "asc"}],
    },
)  # fmt: skip
VIEWS = (OPEN_WORK, BROKEN_PROMISES, CARAS_PICKUPS, RECENTLY_UPDATED, MY_ACTIVE_TICKETS, NEEDS_ATTENTION)
