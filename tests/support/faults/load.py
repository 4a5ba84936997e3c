"""Requests over REST, which the oracle then judges like the others."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from support.exports import Requested
from support.faults.scene import Scene
from support.rest import Client, client
from support.services import Service


@asynccontextmanager
async def caller(scene: Scene, api: Service, username: str = "ada") -> AsyncIterator[Client]:
    """Call an API as somebody."""
    async with client(api.url, scene.fleet.token(username)) as calling:
        yield calling


async def note(scene: Scene, job: dict[str, Any], scope: str) -> Requested:
    """Have an accepted request judged."""
    connection = await scene.installation.connect()
    row = await connection.fetchrow("SELECT id, snapshot, requested_at FROM exports.jobs WHERE id = $1", job["id"])
    await connection.close()
    assert row is not None
    requested = Requested(row["id"], row["snapshot"], row["requested_at"], scope)
    scene.requested.append(requested)
    return requested


async def ask(scene: Scene, calling: Client, view_id: str = "open") -> Requested:
    """Request an export."""
    return await note(scene, await calling.request_export(view_id), view_id)
