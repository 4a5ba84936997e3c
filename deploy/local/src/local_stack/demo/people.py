"""Who can sign in to the demo, what each may do, and the views they saved; ids never change, so tests can name them."""

import json
from dataclasses import dataclass
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
    """A view in the helpdesk; without an owner it is everyone's."""

    id: UUID
    name: str
    scope: str
    owner: DemoPerson | None = None

    @property
    def definition(self) -> str:
        """The view as the helpdesk stores it, JSON."""
        return json.dumps({"version": 1, "scope": self.scope})


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
VIEWS = (OPEN_WORK, BROKEN_PROMISES, CARAS_PICKUPS)
