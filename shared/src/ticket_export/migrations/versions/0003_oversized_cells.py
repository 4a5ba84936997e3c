"""How many cells of an export no spreadsheet can hold."""

from ticket_export.migrations.raw import Target

revision = "0003"
down_revision = "0002"


def upgrade(target: Target) -> None:
    """Run the SQL file of this revision."""
    target.run_sql_beside(__file__)
