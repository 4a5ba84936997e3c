"""Whole exports by a real worker: the file is the database as of the snapshot."""

import asyncpg
import pytest
from export_worker.main import running_worker
from export_worker.settings import WorkerSettings
from support.exports import Requested, digest_of, insert_job, list_objects, read_object, wait_until_ended
from support.installation import Installation
from support.oracle import expected_rows, parse_csv

QUICK = {"lease_seconds": 2.0, "lease_renewal_seconds": 0.5, "lease_margin_seconds": 0.5, "sweep_seconds": 0.1}


async def file_of(installation: Installation, job_id: object) -> asyncpg.Record:
    connection = await installation.connect()
    try:
        row = await connection.fetchrow("SELECT * FROM exports.files WHERE job_id = $1", job_id)
        assert row is not None
        return row
    finally:
        await connection.close()


async def assert_exact(installation: Installation, requested: Requested) -> bytes:
    job = await wait_until_ended(installation, requested.id)
    assert job["status"] == "completed", (job["error_code"], job["error_message"])
    file = await file_of(installation, requested.id)
    content = read_object(installation, file["object_key"])
    connection = await installation.connect()
    try:
        expected = await expected_rows(
            connection, snapshot=requested.snapshot, requested_at=requested.requested_at, scope=requested.scope
        )
    finally:
        await connection.close()
    assert parse_csv(content) == expected
    assert job["rows_total"] == job["rows_done"] == len(expected) - 1
    assert job["bytes_done"] == file["size_bytes"] == len(content)
    assert file["digest"] == digest_of(content, file["part_sizes"])
    return content


@pytest.mark.parametrize("scope", ["all", "open", "unassigned", "overdue"])
async def test_a_view_is_exported_as_of_the_request(installation: Installation, scope: str) -> None:
    requested = await insert_job(installation, scope)
    connection = await installation.connect()
    await connection.execute("UPDATE helpdesk.tickets SET title = 'changed later', status = 'closed' WHERE id % 3 = 0")
    await connection.execute("DELETE FROM helpdesk.tickets WHERE id % 7 = 0")
    await connection.execute("UPDATE helpdesk.statuses SET label = label || ' (renamed)'")
    await connection.execute("UPDATE helpdesk.staff SET first_name = 'Renamed'")
    await connection.close()
    async with running_worker(installation.settings(WorkerSettings, **QUICK)):
        content = await assert_exact(installation, requested)
    assert b"changed later" not in content
    assert b"renamed" not in content.lower()
