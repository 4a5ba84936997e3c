"""What our functions on the source say about a snapshot, as an answer or the code of a refusal."""

import asyncpg


async def snapshot(connection: asyncpg.Connection) -> str:
    """Take a snapshot."""
    return str(await connection.fetchval("SELECT pg_current_snapshot()::text"))


async def verdict(connection: asyncpg.Connection, taken: str, *tables: str) -> str:
    """Return 'safe' or the code of the refusal."""
    try:
        answer = await connection.fetchval(
            "SELECT export_source.assert_safe($1, $2::text[])", taken, list(tables) or None
        )
    except asyncpg.PostgresError as error:
        return str(error.sqlstate)
    assert answer is True
    return "safe"


async def verdict_now(connection: asyncpg.Connection) -> str:
    """Return what is said about a snapshot of now."""
    return await verdict(connection, await snapshot(connection))


async def faults(connection: asyncpg.Connection) -> list[str]:
    """Return what is broken, as 'table: reason'."""
    rows = await connection.fetch("SELECT table_name, reason FROM export_source.unversioned ORDER BY 1, 2")
    return [f"{row['table_name']}: {row['reason']}" for row in rows]
