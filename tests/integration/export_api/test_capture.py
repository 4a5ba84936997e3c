"""A request is about one moment: person, view and snapshot belong together, whatever is written meanwhile."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from export_api.settings import ApiSettings
from integration.export_api.running_api import Answer, Api, running_api
from local_stack.demo.people import OPEN_WORK
from local_stack.downloads.postgres import postgres_files
from local_stack.ports import PortBook
from local_stack.servers import Servers
from local_stack.servers.postgres import Postgres
from local_stack.steps import Silent
from support.installation import Installation, build_template
from ticket_export.migrations import roles


async def request_while(api: Api, table: str, changes: str) -> tuple[Answer, int]:
    """Request an export that has to wait for ``table`` while changes are made; tell what became of it, and their xid."""
    writer = await api.installation.connect()
    transaction = writer.transaction()
    await transaction.start()
    await writer.execute(f"LOCK TABLE helpdesk.{table} IN ACCESS EXCLUSIVE MODE")
    requested = asyncio.create_task(api.request_export("cara", {"view_id": str(OPEN_WORK.id)}))
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = $1"
    async with asyncio.timeout(10):
        while not await api.database.fetchval(waiting, roles.SOURCE_READER):
            await asyncio.sleep(0.01)
    await writer.execute(changes)
    xid: int = await writer.fetchval("SELECT pg_current_xact_id()::text::bigint")
    await transaction.commit()
    await writer.close()
    return await requested, xid


async def stored(api: Api) -> asyncpg.Record:
    job = await api.database.fetchrow("SELECT * FROM exports.jobs")
    assert job is not None
    return job


async def sees(api: Api, snapshot: str, xid: int) -> bool:
    seen: bool = await api.database.fetchval(
        "SELECT pg_visible_in_snapshot($1::text::xid8, $2::text::pg_snapshot)", str(xid), snapshot
    )
    return seen


async def test_a_view_that_is_edited_meanwhile_is_taken_as_it_was(api: Api) -> None:
    changed = """UPDATE helpdesk.views SET name = 'Edited', definition = '{"version": 1, "scope": "all"}'"""
    answer, xid = await request_while(api, "views", changed)

    job = await stored(api)
    assert answer.status == 202
    assert (job["view_name"], json.loads(job["payload"])["scope"]) == ("Open work", "open")
    assert not await sees(api, job["snapshot"], xid)
    # … and the next request takes the new one.
    second = (await api.request_export("cara", {"view_id": str(OPEN_WORK.id)})).json
    assert second["view"]["name"] == "Edited"
    assert await sees(api, second["snapshot"], xid)


async def test_a_right_that_is_taken_meanwhile_was_still_held(api: Api) -> None:
    answer, xid = await request_while(api, "staff_roles", "DELETE FROM helpdesk.staff_roles")

    job = await stored(api)
    assert (answer.status, job["requester_permissions"] & 512) == (202, 512)
    assert not await sees(api, job["snapshot"], xid)


async def test_the_moment_lies_within_the_request_and_the_signature_is_the_schemas(api: Api) -> None:
    before = await api.database.fetchval("SELECT clock_timestamp()")
    await api.new_job("cara")
    after = await api.database.fetchval("SELECT clock_timestamp()")

    job = await stored(api)
    assert before <= job["requested_at"] <= after
    assert job["schema_signature"] == await api.database.fetchval("SELECT export_source.signature()")
    assert job["snapshot_mode"] == "exact"


@pytest.fixture
def other_cluster(servers: Servers, tmp_path: Path) -> Iterator[Postgres]:
    """A second PostgreSQL server that holds the helpdesk."""
    directory = tmp_path / "source"
    (directory / "logs").mkdir(parents=True)
    password = servers.credentials.postgres_password
    files = postgres_files(Silent())
    postgres = Postgres(directory, PortBook(directory), durable=False, files=files, password=password)
    postgres.start()
    try:
        build_template(replace(servers, postgres=postgres), "helpdesk")
        yield postgres
    finally:
        postgres.close()
        postgres.delete_data()


@pytest.fixture
async def apart(installation: Installation, other_cluster: Postgres, api_settings: ApiSettings) -> AsyncIterator[Api]:
    """export-api with jobs and tickets on different servers."""
    password = installation.servers.credentials.source_reader_password
    source = other_cluster.address.url("helpdesk", user=roles.SOURCE_READER, password=password)
    settings = ApiSettings.model_validate({**api_settings.model_dump(), "source_database_url": source})
    async with running_api(installation, settings) as running:
        yield running


async def log_position(postgres: Postgres) -> str:
    """Where the server's log of changes ends; all before it is written."""
    async with superuser(postgres) as connection:
        message = "pg_logical_emit_message(transactional => false, prefix => 'test', message => '', flush => true)"
        position: str = await connection.fetchval(f"SELECT {message}::text")
    return position


async def marks(postgres: Postgres, since: str) -> int:
    """Count our marks in the server's log of changes."""
    now = await log_position(postgres)
    async with superuser(postgres) as connection:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_walinspect")
        count: int = await connection.fetchval(
            "SELECT count(*) FROM pg_get_wal_records_info($1::text::pg_lsn, $2::text::pg_lsn)"
            """ WHERE resource_manager = 'LogicalMessage' AND description LIKE '%prefix "ticket-export"%'""",
            since,
            now,
        )
    return count


@asynccontextmanager
async def superuser(postgres: Postgres) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres.address.url("postgres"))
    try:
        yield connection
    finally:
        await connection.close()


async def test_on_a_server_of_its_own_the_moment_is_secured_in_the_log(apart: Api, other_cluster: Postgres) -> None:
    since = await log_position(other_cluster)
    await apart.new_job("cara")

    assert await marks(other_cluster, since) == 1


async def test_on_one_server_nothing_is_written_to_the_source(api: Api, servers: Servers) -> None:
    since = await log_position(servers.postgres)
    await api.new_job("cara")

    assert await marks(servers.postgres, since) == 0


async def test_a_standby_is_not_asked_for_a_moment(apart: Api, other_cluster: Postgres) -> None:
    await asyncio.to_thread(other_cluster.stop)
    await asyncio.to_thread((other_cluster.data / "standby.signal").touch)
    await asyncio.to_thread(other_cluster.start)

    answer = await apart.request_export("cara")

    assert (answer.status, "standby" in answer.json["detail"]) == (503, True)
    assert await apart.count("jobs") == 0
    assert (await apart.get("/api/v1/views", "cara")).status == 200
