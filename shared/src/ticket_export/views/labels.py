"""The tables whose rows a ticket refers to: each is joined twice, the live rows by primary key and the history.

A UNION ALL in a join would hide that the key is unique and ruin the planner's estimates (docs/architecture.md).
At most one version of a row is visible in a snapshot, so at most one of the two sides is there.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LabelTable:
    """A table that gives a ticket's reference its words; ``reference`` is the ticket's column, ``name`` the alias."""

    name: str
    table: str
    key: str
    reference: str

    @property
    def live(self) -> str:
        """Alias of the live rows."""
        return f"{self.name}_live"

    @property
    def old(self) -> str:
        """Alias of the history."""
        return f"{self.name}_old"


STATUS = LabelTable("status", "statuses", "developer_name", "status")
PRIORITY = LabelTable("priority", "priorities", "developer_name", "priority")
LANGUAGE = LabelTable("language", "languages", "developer_name", "language")
ASSIGNEE = LabelTable("assignee", "staff", "id", "assignee_id")
CREATOR = LabelTable("creator", "staff", "id", "created_by_staff_id")
TEAM = LabelTable("team", "teams", "id", "owning_team_id")
CONTACT = LabelTable("contact", "contacts", "id", "contact_id")
