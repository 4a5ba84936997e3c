"""export-api on an installation of the test's own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from export_api.settings import ApiSettings
from integration.export_api.running_api import Api, running_api
from support.installation import Installation


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
