"""export-api on an installation of the test's own."""

import io
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from export_api.settings import ApiSettings
from integration.export_api.running_api import Api, running_api
from support.installation import Installation
from ticket_export.telemetry import configure_logging


@pytest.fixture
def api_settings(installation: Installation, tmp_path: Path) -> ApiSettings:
    """Settings as the environment would give them, on a free port."""
    return installation.settings(
        ApiSettings, port=0, auth_mode="demo", demo_signing_key_file=tmp_path / "key.json", log_format="console"
    )


@pytest.fixture
async def api(installation: Installation, api_settings: ApiSettings) -> AsyncIterator[Api]:
    async with running_api(installation, api_settings) as running:
        yield running


@pytest.fixture
def read_log() -> Iterator[Callable[[], str]]:
    """Log as the service does, and read what it has written."""
    root = logging.getLogger()
    before = root.handlers[:]
    configure_logging("export-api", level="DEBUG", form="json")
    written = io.StringIO()
    for handler in root.handlers:
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(written)
    yield written.getvalue
    root.handlers[:] = before
