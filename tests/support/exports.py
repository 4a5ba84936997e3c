"""Requests an export the way export-api does, and reads what became of it."""

import asyncio
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import asyncpg
from minio import Minio
from uuid6 import uuid7

from local_stack.demo.people import ADA
from support.installation import Installation

TERMINAL = {"completed", "failed", "cancelled", "expired"}


@dataclass(frozen=True)
class Requested:
    """A job as it was inserted."""

    id: UUID
    snapshot: str
    requested_at: datetime
    scope: str


async def insert_job(
    installation: Installation, scope: str = "all", requester: UUID = ADA.id, **columns: object
) -> Requested:
    """Take a snapshot and insert a job with its plan task, in the shapes of export-api."""
    connection = await installation.connect()
    try:
        async with connection.transaction(isolation="repeatable_read"):
            source = await connection.fetchrow(
                "SELECT now() AS at, pg_current_snapshot()::text AS snapshot, export_source.signature() AS signature,"
                " export_source.source_identity() AS identity"
            )
        assert source is not None
        values: dict[str, object] = {
            "id": uuid7(),
            "requester_id": requester,
            "requester_roles": ["exports"],
            "requester_permissions": 512,
            "requester_is_admin": True,
            "view_id": scope,
            "view_name": f"{scope.capitalize()} tickets",
            "payload": json.dumps({"version": 1, "scope": scope}),
            "snapshot": source["snapshot"],
            "snapshot_mode": "exact",
            "schema_signature": source["signature"],
            "source_identity": source["identity"],
            "requested_at": source["at"],
            **columns,
        }
        names, places = ", ".join(values), ", ".join(f"${n}" for n in range(1, len(values) + 1))
        async with connection.transaction():
            await connection.execute(f"INSERT INTO exports.jobs ({names}) VALUES ({places})", *values.values())
            await connection.execute(
                "INSERT INTO exports.tasks (id, job_id, kind) VALUES ($1, $2, 'plan')", uuid4(), values["id"]
            )
        return Requested(values["id"], source["snapshot"], source["at"], scope)  # type: ignore[arg-type]
    finally:
        await connection.close()


async def wait_until_ended(installation: Installation, job_id: UUID, seconds: float = 60) -> asyncpg.Record:
    """Wait for a terminal state and return the job's row."""
    connection = await installation.connect()
    try:
        async with asyncio.timeout(seconds):
            while True:
                row = await connection.fetchrow("SELECT * FROM exports.jobs WHERE id = $1", job_id)
                assert row is not None
                if row["status"] in TERMINAL:
                    return row
                await asyncio.sleep(0.05)
    finally:
        await connection.close()


def s3_client(installation: Installation) -> Minio:
    """A client with the store's own credentials."""
    store = installation.servers.object_store.address
    return Minio(
        store.endpoint.removeprefix("http://"),
        access_key=store.access_key,
        secret_key=store.secret_key,
        secure=False,
        region=store.region,
    )


def read_object(installation: Installation, key: str) -> bytes:
    """Return a whole object."""
    response = s3_client(installation).get_object(bucket_name=installation.bucket, object_name=key)
    try:
        return response.read()
    finally:
        response.close()
        response.release_conn()


def list_objects(installation: Installation) -> set[str]:
    """Return every key in the installation's bucket."""
    found = s3_client(installation).list_objects(bucket_name=installation.bucket, recursive=True)
    return {item.object_name for item in found if item.object_name}


def digest_of(content: bytes, part_sizes: list[int]) -> str:
    """Return the digest that a client computes from the file and the part sizes."""
    hashes, start = b"", 0
    for size in part_sizes:
        hashes += hashlib.sha256(content[start : start + size]).digest()
        start += size
    assert start == len(content)
    return f"sha256-parts:{hashlib.sha256(hashes).hexdigest()}"
