"""Brings the host's tables from one state to another, and reads them as they are."""

import random
from typing import Any, TypeAlias

import asyncpg

from support.random_helpdesk.rows import Row, Rows

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
# Those that refer to others come later.
KEYS: dict[str, tuple[str, ...]] = {
    "statuses": ("developer_name",),
    "priorities": ("developer_name",),
    "languages": ("developer_name",),
    "custom_fields": ("key",),
    "teams": ("id",),
    "staff": ("id",),
    "team_members": ("team_id", "staff_id"),
    "contacts": ("id",),
    "tickets": ("id",),
    "ticket_tasks": ("id",),
    "comments": ("id",),
    "attachments": ("id",),
    "followers": ("ticket_id", "staff_id"),
}


async def loosen(owner: Connection) -> None:
    """Empty the tables and take away the host's own constraints: the contract doesn't promise them."""
    constraints = await owner.fetch(
        "SELECT conrelid::regclass::text AS place, quote_ident(conname) AS name FROM pg_constraint"
        " WHERE contype IN ('f', 'c') AND connamespace = 'helpdesk'::regnamespace"
    )
    for row in constraints:
        await owner.execute(f"ALTER TABLE {row['place']} DROP CONSTRAINT {row['name']}")
    await owner.execute("ALTER TABLE helpdesk.tickets ALTER status DROP NOT NULL")
    for table in reversed(KEYS):
        await owner.execute(f"DELETE FROM helpdesk.{table}")


async def write(connection: Connection, old: Rows, new: Rows) -> None:
    """Delete, insert and update what differs, each table in a transaction of its own."""
    for table, key in KEYS.items():
        before, after = _by_key(old.get(table, []), key), _by_key(new.get(table, []), key)
        changed = [row for found, row in after.items() if before.get(found) != row]
        async with connection.transaction():
            await _delete(connection, table, key, [found for found in before if found not in after])
            await _put(connection, table, key, changed)


def mixed(seed: int, older: Rows, newer: Rows) -> Rows:
    """A state between two: of each row one of its versions, or none where one of the two has none."""
    dice = random.Random(seed)  # noqa: S311 - the same each time
    result: Rows = {}
    for table, key in KEYS.items():
        before, after = _by_key(older[table], key), _by_key(newer[table], key)
        chosen = (dice.choice((before, after)).get(found) for found in {**before, **after})
        result[table] = [row for row in chosen if row is not None]
    return result


async def read_all(connection: Connection) -> Rows:
    """Every row of every table that an evaluator needs."""
    return {table: [dict(row) for row in await connection.fetch(f"SELECT * FROM helpdesk.{table}")] for table in KEYS}


def _by_key(rows: list[Row], key: tuple[str, ...]) -> dict[tuple[Any, ...], Row]:
    return {tuple(row[name] for name in key): row for row in rows}


async def _delete(connection: Connection, table: str, key: tuple[str, ...], found: list[tuple[Any, ...]]) -> None:
    condition = " AND ".join(f"{name} = ${place}" for place, name in enumerate(key, start=1))
    await connection.executemany(f"DELETE FROM helpdesk.{table} WHERE {condition}", found)


async def _put(connection: Connection, table: str, key: tuple[str, ...], rows: list[Row]) -> None:
    if not rows:
        return
    names = list(rows[0])
    places = ", ".join(f"${place}" for place in range(1, len(names) + 1))
    changes = ", ".join(f"{name} = excluded.{name}" for name in names if name not in key)
    await connection.executemany(
        f"INSERT INTO helpdesk.{table} ({', '.join(names)}) VALUES ({places})"
        f" ON CONFLICT ({', '.join(key)}) DO {f'UPDATE SET {changes}' if changes else 'NOTHING'}",
        [tuple(row[name] for name in names) for row in rows],
    )
