"""When a job's rows were read that are not those of its request."""

from ticket_export.migrations.raw import Target

revision = "0005"
down_revision = "0004"


def upgrade(target: Target) -> None:
    """Run the SQL file of this revision."""
    target.run_sql_beside(__file__)
