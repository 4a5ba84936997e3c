"""The helpdesk's system permissions, as bit flags stored on its roles."""

from dataclasses import dataclass
from enum import IntFlag
from uuid import UUID


class SystemPermissions(IntFlag):
    """What a role allows; a person holds the union of their roles' flags."""

    MANAGE_SETTINGS = 1
    MANAGE_AUDIT_LOGS = 2
    MANAGE_ADMINISTRATORS = 4
    MANAGE_TEMPLATES = 8
    MANAGE_USERS = 16
    MANAGE_TEAMS = 32
    MANAGE_TICKETS = 64
    MANAGE_REPORTS = 128
    MANAGE_SYSTEM_VIEWS = 256
    IMPORT_EXPORT_TICKETS = 512


@dataclass(frozen=True, slots=True)
class Person:
    """A staff member with the rights that they hold at the moment of reading."""

    id: UUID
    username: str
    display_name: str
    is_admin: bool
    permissions: SystemPermissions
    roles: tuple[str, ...]
    team_ids: tuple[UUID, ...]

    @property
    def may_export(self) -> bool:
        """Whether this person may request an export."""
        return SystemPermissions.IMPORT_EXPORT_TICKETS in self.permissions

    @property
    def may_download(self) -> bool:
        """Whether this person may fetch any export's file."""
        return self.is_admin and self.may_export
