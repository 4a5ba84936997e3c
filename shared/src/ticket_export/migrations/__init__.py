"""The schema of exports and the roles of the database: raw SQL, forward only."""

from ticket_export.migrations.roles import ROLES as ROLES
from ticket_export.migrations.roles import MigrationError as MigrationError
from ticket_export.migrations.upgrade import migrate as migrate
