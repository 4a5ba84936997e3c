"""Jobs, tasks, uploads, outbox, leases, controls, files, audit log and the grants on them."""

from ticket_export.migrations.raw import Target

revision = "0001"
down_revision = None


def upgrade(target: Target) -> None:
    """Run the SQL file of this revision."""
    target.run_sql_beside(__file__)
