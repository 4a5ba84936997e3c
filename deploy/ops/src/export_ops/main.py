"""The command ``ticket-export``: reads settings, calls a use case, shows what it did."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer
from pydantic import SecretStr
from rich.console import Console

from export_ops.errors import DisabledError, OpsError
from export_ops.migrate import migrate as migrate_all
from export_ops.pause import pause, resume
from export_ops.redrive import redrive
from export_ops.settings import JobsSettings, MigrateSettings, RedriveSettings, SourceSettings
from export_ops.source.disable import disable
from export_ops.source.generate import Schemas
from export_ops.source.installer import install
from export_ops.source.rebase import rebase
from export_ops.source.sync import enable, sync
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


@app.command("pause")
def pause_claims(
    reason: Annotated[str | None, typer.Option(help="Kept with the switch, for whoever finds it.")] = None,
) -> None:
    """Stop claiming everywhere; running tasks go on, requests are still accepted (ADMIN_DATABASE_URL)."""

    async def command() -> None:
        settings = load(JobsSettings)
        _log(settings)
        _show(await pause(settings, reason))

    _run(command)


@app.command("resume")
def resume_claims() -> None:
    """Claim again (ADMIN_DATABASE_URL)."""

    async def command() -> None:
        settings = load(JobsSettings)
        _log(settings)
        _show(await resume(settings))

    _run(command)


@app.command("redrive")
def redrive_letters() -> None:
    """Send what lies in the dead-letter topic back to where it came from (KAFKA_…)."""

    async def command() -> None:
        settings = load(RedriveSettings)
        _log(settings)
        done = await redrive(settings, _show)
        _show(f"{done.sent} sent back, {done.kept} kept")

    _run(command)


def _on_source(command: Callable[[SecretStr, Schemas], Awaitable[str]]) -> None:
    """Run a command on the source and show its last line."""

    async def with_settings() -> None:
        settings = load(SourceSettings)
        _log(settings)
        schemas = Schemas(settings.source_schema, settings.source_bookkeeping_schema)
        _show(await command(settings.installer_database_url, schemas))

    _run(with_settings)


@source.command("install")
def source_install() -> None:
    """Version the helpdesk's tables that are not versioned yet."""

    async def command(url: SecretStr, schemas: Schemas) -> str:
        try:
            new = await install(url, schemas, report=_show)
        except DisabledError as error:
            # Installed at every deployment: one in a bad night must go through.
            return f"nothing done. {error}"
        return f"{len(new)} tables newly versioned" if new else "every table was versioned already"

    _on_source(command)


@source.command("sync")
def source_sync() -> None:
    """Bring versioning to what this release and the helpdesk's tables need now; mend what is broken."""

    async def command(url: SecretStr, schemas: Schemas) -> str:
        changed = await sync(url, schemas, report=_show)
        return f"{len(changed)} tables changed" if changed else "nothing was to be done"

    _on_source(command)


@source.command("rebase")
def source_rebase() -> None:
    """Begin anew after a dump was restored on another server; exports that are under way fail."""

    async def command(url: SecretStr, schemas: Schemas) -> str:
        return f"{len(await rebase(url, schemas, report=_show))} tables versioned anew"

    _on_source(command)


@source.command("disable")
def source_disable(
    *,
    now: Annotated[
        bool, typer.Option("--now", help="Wait for no table's lock: the triggers stay, and do nothing.")
    ] = False,
) -> None:
    """Stop versioning; exports that are under way fail, new ones read the tables as they find them."""

    async def command(url: SecretStr, schemas: Schemas) -> str:
        return f"{len(await disable(url, schemas, now=now, report=_show))} tables are not versioned any more"

    _on_source(command)


@source.command("enable")
def source_enable() -> None:
    """Version again what was disabled; exports are exact again from here on."""

    async def command(url: SecretStr, schemas: Schemas) -> str:
        changed = await enable(url, schemas, report=_show)
        return f"{len(changed)} tables versioned" if changed else "nothing was disabled"

    _on_source(command)


def run() -> None:
    """Entry point of the console script."""
    app()
