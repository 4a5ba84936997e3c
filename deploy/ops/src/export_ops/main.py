"""The command ``ticket-export``: reads settings, calls a use case, shows what it did."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import typer
from rich.console import Console

from export_ops.errors import OpsError
from export_ops.migrate import migrate as migrate_all
from export_ops.settings import MigrateSettings, SourceSettings
from export_ops.source.generate import Schemas
from export_ops.source.installer import install as install_source
from ticket_export.settings import Settings, SettingsError, load
from ticket_export.telemetry import configure_logging

app = typer.Typer(
    name="ticket-export", help="Operate ticket-export.", no_args_is_help=True, pretty_exceptions_enable=False
)
source = typer.Typer(help="The helpdesk's tables, which exports read.", no_args_is_help=True)
app.add_typer(source, name="source")

_out = Console(highlight=False, soft_wrap=True)
_errors = Console(stderr=True, highlight=False, soft_wrap=True)


def _show(line: str) -> None:
    _out.print(line, markup=False)


def _log(settings: Settings) -> None:
    configure_logging("ticket-export", level=settings.log_level, form=settings.log_format)
    # It tells of each revision; so do we, in one line.
    logging.getLogger("alembic").setLevel(logging.WARNING)


def _run(command: Callable[[], Awaitable[None]]) -> None:
    """Run a command; what the operator can mend is one message and exit code 1, without a stack trace."""

    async def awaited() -> None:
        await command()

    try:
        asyncio.run(awaited())
    except (OpsError, SettingsError) as error:
        _errors.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from error


@app.command()
def migrate() -> None:
    """Create or renew the roles, the schema of exports and the Kafka topics (ADMIN_DATABASE_URL, KAFKA_…)."""

    async def command() -> None:
        settings = load(MigrateSettings)
        _log(settings)
        await migrate_all(settings, _show)

    _run(command)


@source.command("install")
def source_install() -> None:
    """Version the helpdesk's tables that are not versioned yet (INSTALLER_DATABASE_URL, SOURCE_SCHEMA)."""

    async def command() -> None:
        settings = load(SourceSettings)
        _log(settings)
        schemas = Schemas(settings.source_schema, settings.source_bookkeeping_schema)
        new = await install_source(settings.installer_database_url, schemas, report=_show)
        _show(f"{len(new)} tables newly versioned" if new else "every table was versioned already")

    _run(command)


def run() -> None:
    """Entry point of the console script."""
    app()
