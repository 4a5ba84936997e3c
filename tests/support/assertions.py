"""What must hold of every completed export, whoever made it."""

import asyncpg

from support.exports import Requested, digest_of, read_object, wait_until_ended
from support.installation import Installation
from support.oracle import expected_rows, parse_csv


async def file_of(installation: Installation, job_id: object) -> asyncpg.Record:
    """Return the media record."""
    connection = await installation.connect()
    try:
        row = await connection.fetchrow("SELECT * FROM exports.files WHERE job_id = $1", job_id)
        assert row is not None
        return row
    finally:
        await connection.close()


async def assert_exact(installation: Installation, requested: Requested, seconds: float = 60) -> bytes:
    """Wait for completion; the file, the counts and the digest are those of the snapshot. Return the file."""
    job = await wait_until_ended(installation, requested.id, seconds)
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
