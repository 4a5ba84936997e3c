"""What each command reads from the environment."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from ticket_export.migrations import roles
from ticket_export.settings import Identifier, KafkaSettings, PostgresUrl, Settings

RolePassword = Annotated[SecretStr, Field(min_length=1)]


class RolePasswords(BaseSettings):
    """Passwords of the roles that are to log in; a role without one is created, but left as it is."""

    model_config = SettingsConfigDict(hide_input_in_errors=True)

    app_role_password: RolePassword | None = None
    retention_role_password: RolePassword | None = None
    source_reader_role_password: RolePassword | None = None
    source_pruner_role_password: RolePassword | None = None
    installer_role_password: RolePassword | None = None

    def by_role(self) -> Mapping[str, SecretStr]:
        """Return the given passwords by the name of the database role."""
        given = {
            roles.APP: self.app_role_password,
            roles.RETENTION: self.retention_role_password,
            roles.SOURCE_READER: self.source_reader_role_password,
            roles.SOURCE_PRUNER: self.source_pruner_role_password,
            roles.INSTALLER: self.installer_role_password,
        }
        return {role: password for role, password in given.items() if password is not None}


class MigrateSettings(Settings, RolePasswords, KafkaSettings):
    """``ticket-export migrate``."""

    admin_database_url: PostgresUrl
    exports_schema: Identifier = "exports"


class JobsSettings(Settings):
    """``ticket-export pause`` and ``resume``."""

    admin_database_url: PostgresUrl
    exports_schema: Identifier = "exports"


class RedriveSettings(Settings, KafkaSettings):
    """``ticket-export redrive``."""


class SourceSettings(Settings):
    """``ticket-export source …``."""

    installer_database_url: PostgresUrl
    source_schema: Identifier = "helpdesk"
    source_bookkeeping_schema: Identifier = "export_source"
