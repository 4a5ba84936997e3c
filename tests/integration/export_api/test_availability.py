"""What happens when something is away: the API keeps answering, says so, and comes back by itself."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from export_api.database import Database
from export_api.settings import ApiSettings
from integration.export_api.running_api import Api, running_api
from support.installation import Installation

PROBLEM = "urn:ticket-export:problem:"


async def statuses(api: Api) -> list[int]:
    return [(await api.get(path)).status for path in ("/healthz", "/readyz", "/metrics")]


async def test_readiness_needs_the_database(api: Api, installation: Installation) -> None:
    assert await statuses(api) == [200, 200, 200]
    await asyncio.to_thread(installation.servers.postgres.stop)
    try:
        down = await statuses(api)
        ready = await api.get("/readyz")
        refused = [
            await api.request_export(),
            await api.get("/api/v1/exports", "cara"),
            await api.get("/api/v1/views", "cara"),
        ]
    finally:
        await asyncio.to_thread(installation.servers.postgres.start)

    assert down == [200, 503, 200]
    assert (ready.headers["Content-Type"], ready.json["type"]) == ("application/problem+json", PROBLEM + "unavailable")
    assert [answer.status for answer in refused] == [503] * 3
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
    assert "127.0.0.1" not in refused[0].text
    assert (await statuses(api), (await api.request_export()).status) == ([200, 200, 200], 202)


async def test_it_starts_while_everything_is_away(installation: Installation, api_settings: ApiSettings) -> None:
    away = {"database_url": "postgresql://nobody@127.0.0.1:1/none", "kafka_bootstrap_servers": "127.0.0.1:1"}
    settings = ApiSettings.model_validate({**api_settings.model_dump(), **away})
    async with running_api(installation, settings) as api:
        assert await statuses(api) == [200, 503, 200]
        assert "export_api_kafka_connected 0.0" in (await api.get("/metrics")).text


async def test_without_its_tables_it_is_not_ready(installation: Installation, api_settings: ApiSettings) -> None:
    async with running_api(installation, api_settings.model_copy(update={"exports_schema": "nowhere"})) as api:
        answer = await api.get("/readyz")
        assert (answer.status, "ticket-export migrate" in answer.json["detail"]) == (503, True)


async def test_a_helpdesk_that_is_not_prepared_is_told_apart(api: Api) -> None:
    await api.database.execute("DROP SCHEMA export_source CASCADE")

    answer = await api.request_export()

    assert (answer.status, answer.json["type"]) == (503, PROBLEM + "source-unprepared")


@pytest.fixture
async def cramped(installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """With one connection per database, and little patience."""
    monkeypatch.setattr("export_api.database.ACQUIRE_TIMEOUT_SECONDS", 0.3)
    settings = installation.settings(
        ApiSettings, port=0, auth_mode="demo", demo_signing_key_file=tmp_path / "key.json", database_pool_size=1
    )
    async with running_api(installation, settings) as running:
        yield running


async def test_an_exhausted_pool_is_a_503_in_time_and_nothing_hangs(cramped: Api) -> None:
    await cramped.new_job()
    async with AsyncExitStack() as held:
        # Every statement on jobs waits behind this lock, and with it the only connection.
        blocker = await cramped.installation.connect()
        held.push_async_callback(blocker.close)
        transaction = blocker.transaction()
        await transaction.start()
        await blocker.execute("LOCK TABLE exports.jobs")
        waiting = asyncio.create_task(cramped.get("/api/v1/exports", "cara"))
        await _until_blocked(cramped)

        refused = await cramped.get("/api/v1/exports", "cara")

        await transaction.rollback()
        assert (refused.status, (await waiting).status) == (503, 200)


async def _until_blocked(api: Api) -> None:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with asyncio.timeout(10):
        while not await api.database.fetchval(waiting):
            await asyncio.sleep(0.01)


async def test_an_unexpected_error_is_a_reference_and_nothing_else(
    api: Api, read_log: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_self: Database) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(Database, "connection", broken)
    answer = await api.get("/api/v1/exports", "cara")

    assert (answer.status, answer.headers["Content-Type"]) == (500, "application/problem+json")
    assert "secret detail" not in answer.text
    reference = answer.json["reference"]
    assert reference in answer.json["detail"]
    written = read_log()
    assert reference in written
    assert "secret detail" in written
    assert api.token("cara").split(".")[1] not in written
