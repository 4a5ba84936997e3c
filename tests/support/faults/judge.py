"""The oracle after every fault: nothing lost, nothing twice, nothing wrong, and in the end nothing left behind."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from uuid import UUID

import asyncpg
from pydantic import SecretStr

from janitor.buckets import open_buckets
from janitor.main import _source
from janitor.run import Report, run_once
from janitor.settings import JanitorSettings
from support.assertions import assert_exact
from support.exports import TERMINAL, Requested, list_objects, wait_until_ended
from support.faults.watch import stale_writes
from support.installation import Installation
from ticket_export.database.connection import open_pool
from ticket_export.leases import Deadline


async def judge(
    installation: Installation,
    requested: Sequence[Requested],
    *,
    failed: Mapping[str, str],
    expired: Collection[UUID],
    seconds: float = 60,
) -> list[bytes]:
    """Assert the oracle of the fault matrix; return the files of those that completed, in the order of the requests.

    ``failed`` names the jobs that may not complete, with the code that they must fail with ("cancelled" for those);
    ``expired`` those whose file has had its time already.
    """
    files: list[bytes] = []
    for request in requested:
        code = failed.get(str(request.id))
        if request.id in expired:
            job = await wait_until_ended(installation, request.id, seconds)
            assert job["status"] == "expired"
        elif code is None:
            files.append(await assert_exact(installation, request, seconds))
        else:
            job = await wait_until_ended(installation, request.id, seconds)
            assert (job["error_code"] or job["status"]) == code
    connection = await installation.connect()
    try:
        await _assert_one_end_each(connection, {request.id for request in requested})
        await _assert_clean(installation, connection)
        stale = await stale_writes(connection)
        assert not stale, stale
    finally:
        await connection.close()
    return files


async def _assert_one_end_each(connection: "asyncpg.Connection[asyncpg.Record]", ids: set[object]) -> None:
    """Each accepted request has one row, one end, one audited request; nothing else has any."""
    jobs = await connection.fetch("SELECT id, status FROM exports.jobs")
    assert {job["id"] for job in jobs} == ids
    assert all(job["status"] in TERMINAL for job in jobs)
    for actions in (["requested", "retried"], ["completed", "failed", "cancelled"]):
        audited = await connection.fetch(
            "SELECT job_id FROM exports.audit_log WHERE action = ANY ($1) AND job_id IS NOT NULL", actions
        )
        assert sorted(str(row["job_id"]) for row in audited) == sorted(map(str, ids)), actions
    files = await connection.fetch("SELECT job_id FROM exports.files")
    assert {row["job_id"] for row in files} == {job["id"] for job in jobs if job["status"] in {"completed", "expired"}}
    assert not await connection.fetchval("SELECT count(*) FROM exports.tasks WHERE status IN ('queued', 'leased')")


async def _assert_clean(installation: Installation, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Let the janitor come by with no grace; then expire everything, and prune what no snapshot needs."""
    await sweep(installation, connection)
    kept = await connection.fetch("SELECT object_key FROM exports.files WHERE deleted_at IS NULL")
    assert list_objects(installation) == {row["object_key"] for row in kept}
    assert not await connection.fetchval("SELECT count(*) FROM exports.uploads")
    await connection.execute("UPDATE exports.jobs SET expires_at = clock_timestamp() WHERE status = 'completed'")
    await connection.execute("UPDATE export_source.markers SET recorded_at = recorded_at - interval '1 day'")
    await sweep(installation, connection)
    assert list_objects(installation) == set()
    assert not await connection.fetchval("SELECT count(*) FROM exports.files WHERE deleted_at IS NULL")
    await _assert_no_uploads(installation, connection)
    await _assert_no_history(connection)


async def sweep(installation: Installation, connection: "asyncpg.Connection[asyncpg.Record]") -> Report:
    """Run the janitor once, with no grace for leftovers; it leaves nothing undone."""
    settings = installation.settings(
        JanitorSettings,
        database_url=SecretStr(installation.retention_url),
        source_database_url=SecretStr(installation.source_pruner_url),
        orphan_grace_seconds=0.0,
        lease_seconds=2.0,
    )
    async with AsyncExitStack() as stack:
        pool = await open_pool(settings.database_url, schema="exports", application_name="janitor", max_size=2)
        stack.push_async_callback(pool.close)
        source = await stack.enter_async_context(_source(settings))
        buckets = await stack.enter_async_context(open_buckets(settings))
        # What was leased when its worker died counts as in use until the lease is over.
        async with asyncio.timeout(30):
            while await connection.fetchval("SELECT count(*) FROM exports.tasks WHERE lease_until > clock_timestamp()"):
                await asyncio.sleep(0.05)
        report = await run_once(pool, source, buckets, settings)
        assert report.complete, report.summary()
        return report


async def _assert_no_uploads(installation: Installation, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """MinIO lists by exact key only, so every key that was ever written down is asked for."""
    settings = installation.settings(JanitorSettings, database_url=SecretStr(installation.retention_url))
    async with AsyncExitStack() as stack:
        buckets = await stack.enter_async_context(open_buckets(settings))
        store = await buckets.store(installation.bucket)
        for row in await connection.fetch("SELECT object_key FROM faults.uploads"):
            assert await store.list_uploads(row["object_key"], Deadline.within(10)) == []


async def _assert_no_history(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Nothing is kept that ended before the oldest snapshot that could still be asked for."""
    horizon = await connection.fetchval("SELECT xid::text FROM export_source.horizon")
    tables = await connection.fetch("SELECT table_name || '_history' AS name FROM export_source.installs")
    for table in tables:
        left = await connection.fetchval(
            f"SELECT count(*) FROM helpdesk.{table['name']} WHERE valid_to < $1::text::xid8",
            horizon,
        )
        assert left == 0, table["name"]
