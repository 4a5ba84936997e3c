"""The two databases and the topics that every use case works with."""

from dataclasses import dataclass

from export_api.database import Database
from export_api.queries.source import Source
from ticket_export import audit
from ticket_export.audit import AuditEntry
from ticket_export.topics import Topics


@dataclass(frozen=True, slots=True)
class Installation:
    """One helpdesk with its exports."""

    jobs: Database
    source: Source
    topics: Topics

    async def record(self, entry: AuditEntry) -> None:
        """Write an audit entry that belongs to no other change."""
        async with self.jobs.transaction() as connection:
            await audit.record(connection, entry, self.topics)
