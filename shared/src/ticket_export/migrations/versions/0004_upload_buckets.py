"""The bucket that an upload was begun in, since the setting may change while uploads are under way."""

from ticket_export.migrations.raw import Target

revision = "0004"
down_revision = "0003"


def upgrade(target: Target) -> None:
    """Run the SQL file of this revision."""
    target.run_sql_beside(__file__)
