"""The switch that stops claiming everywhere: running tasks go on, requests are still accepted."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from export_ops.errors import OpsError
from export_ops.settings import JobsSettings
from ticket_export.database.connection import DATABASE_ERRORS, connect

_PAUSE = """
INSERT INTO controls (name, value) VALUES ('pause', $1::text::jsonb)
ON CONFLICT (name) DO UPDATE SET value = controls.value || jsonb_strip_nulls(excluded.value), changed_at = clock_timestamp()
"""
_RESUME = "DELETE FROM controls WHERE name = 'pause'"


async def pause(settings: JobsSettings, reason: str | None) -> str:
    """Stop claiming; return what was done. Raises OpsError."""
    async with _jobs(settings) as connection:
        await connection.execute(_PAUSE, json.dumps({"reason": reason}))
    return "paused: no worker claims a task until `ticket-export resume`"


async def resume(settings: JobsSettings) -> str:
    """Claim again; return what was done. Raises OpsError."""
    async with _jobs(settings) as connection:
        done = await connection.execute(_RESUME)
    return "resumed" if done == "DELETE 1" else "it was not paused"


@asynccontextmanager
async def _jobs(settings: JobsSettings) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    try:
        connection = await connect(
            settings.admin_database_url, schema=settings.exports_schema, application_name="ticket-export"
        )
        try:
            yield connection
        finally:
            await connection.close()
    except DATABASE_ERRORS as error:
        raise OpsError(f"ADMIN_DATABASE_URL: {error}") from error
