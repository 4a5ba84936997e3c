"""Label tables as of a snapshot: two LEFT JOINs each, the live rows by primary key and the history.

A UNION ALL in a join would hide that the key is unique and ruin the planner's estimates (docs/architecture.md).
At most one version of a row is visible in a snapshot, so at most one of the two sides is there.
"""

from dataclasses import dataclass

from ticket_export.snapshot import Snapshot
from ticket_export.views.literals import identifier


@dataclass(frozen=True, slots=True)
class LabelTable:
    """A table that gives a ticket's reference its words; ``reference`` is the ticket's column."""

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

    def value(self, expression: str) -> str:
        """Return the value as of the snapshot; ``{row}`` in the expression stands for the row."""
        live, old = expression.format(row=self.live), expression.format(row=self.old)
        return f"CASE WHEN {self.old}.{self.key} IS NULL THEN {live} ELSE {old} END"

    def join(self, schema: str, snapshot: Snapshot) -> str:
        """Return the two joins to the ticket ``t``."""
        live_table = f"{identifier(schema)}.{identifier(self.table)}"
        old_table = f"{identifier(schema)}.{identifier(self.table + '_history')}"
        on = f"= t.{self.reference}"
        return (
            f"LEFT JOIN {live_table} {self.live}"
            f" ON {self.live}.{self.key} {on} AND {snapshot.visible(self.live, live=True)}\n"
            f"LEFT JOIN {old_table} {self.old}"
            f" ON {self.old}.{self.key} {on} AND {snapshot.visible(self.old)}"
        )


STATUS = LabelTable("status", "statuses", "developer_name", "status")
PRIORITY = LabelTable("priority", "priorities", "developer_name", "priority")
ASSIGNEE = LabelTable("assignee", "staff", "id", "assignee_id")
