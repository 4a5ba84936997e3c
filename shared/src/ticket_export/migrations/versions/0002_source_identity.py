"""The server that a job's snapshot was taken on."""

from ticket_export.migrations.raw import Target

revision = "0002"
down_revision = "0001"


def upgrade(target: Target) -> None:
    """Run the SQL file of this revision."""
    target.run_sql_beside(__file__)
