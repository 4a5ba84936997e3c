"""The janitor's side of an installation."""

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from integration.janitor.scene import Scene
from janitor.buckets import open_buckets
from janitor.settings import JanitorSettings
from janitor.source import Source
from support.installation import Installation
from ticket_export.database.connection import open_pool
from ticket_export.storage.errors import StorageRefusedError
from ticket_export.storage.object_store import ObjectStore, TimeLimit


@pytest.fixture
async def scene(installation: Installation) -> AsyncIterator[Scene]:
    pruner = SecretStr(installation.source_pruner_url)
    settings = installation.settings(
        JanitorSettings, database_url=installation.retention_url, source_database_url=pruner, lease_seconds=2
    )
    owner = SecretStr(installation.admin_url)
    async with (
        await open_pool(owner, schema="exports", application_name="test") as owning,
        await open_pool(settings.database_url, schema="exports", application_name="janitor", max_size=4) as pool,
        await open_pool(pruner, schema="helpdesk", application_name="janitor", max_size=1) as pruning,
        open_buckets(settings) as buckets,
    ):
        source = Source(pruning, "helpdesk", "export_source")
        store = await buckets.store(buckets.default)
        yield Scene(owning, pool, source, buckets, store, settings, installation.janitor_env)


@pytest.fixture
def other_bucket(installation: Installation) -> str:
    name = f"{installation.bucket}-before-the-move"
    installation.servers.object_store.create_bucket(name)
    return name


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Keys whose deletion S3 refuses, as it would without the right to."""
    keys: set[str] = set()
    delete = ObjectStore.delete

    async def refusing(store: ObjectStore, key: str, deadline: TimeLimit) -> None:
        if key in keys:
            raise StorageRefusedError("DeleteObject", 403, "AccessDenied")
        await delete(store, key, deadline)

    monkeypatch.setattr(ObjectStore, "delete", refusing)
    return keys
