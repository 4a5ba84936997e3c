"""The composition root: settings → resources → application → server."""

import signal
import sys
from types import FrameType

import uvicorn

from export_api.auth.demo_key import DemoKeyError, load_or_create
from export_api.http.app import create_app
from export_api.settings import ApiSettings
from ticket_export.settings import SettingsError, load
from ticket_export.telemetry import configure_logging

WRONG_SETTINGS = 2


def run() -> None:
    """Serve until SIGINT or SIGTERM, then finish what is under way within a bound and exit with 0."""
    try:
        settings = load(ApiSettings)
        if settings.demo_signing_key_file is not None:
            load_or_create(settings.demo_signing_key_file)
    except (SettingsError, DemoKeyError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(WRONG_SETTINGS)
    configure_logging("export-api", level=settings.log_level, form=settings.log_format)
    # The server handles both signals while it runs, and raises them again when it has stopped.
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, _leave)
    create_server(settings).run()


def create_server(settings: ApiSettings) -> uvicorn.Server:
    """Return the HTTP server of the application."""
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=settings.proxies,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
    return uvicorn.Server(config)


def _leave(_signal_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)
