"""``python -m compose_setup.helpdesk`` creates the demo's helpdesk with its real tickets; again, it restores them."""

import asyncio
import sys

from local_stack.demo import prepare_helpdesk
from ticket_export.settings import Identifier, PostgresUrl, SettingsError, SettingsGroup, load


class HelpdeskSettings(SettingsGroup):
    """The database's owner, and the host application's own login (its role is created)."""

    admin_database_url: PostgresUrl
    helpdesk_database_url: PostgresUrl
    source_schema: Identifier = "helpdesk"


def main() -> int:
    """Return the exit status; fail as the database does when it does not answer."""
    try:
        settings = load(HelpdeskSettings)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    asyncio.run(
        prepare_helpdesk(
            admin_url=settings.admin_database_url.get_secret_value(),
            helpdesk_url=settings.helpdesk_database_url.get_secret_value(),
            schema=settings.source_schema,
        )
    )
    sys.stdout.write(f"helpdesk {settings.source_schema} is there\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
