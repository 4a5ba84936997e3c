"""Reading live rows and history as of a snapshot gives exactly what was there, whatever the writers did meanwhile.

The oracle is PostgreSQL itself: one REPEATABLE READ transaction reads snapshot and rows, then the writers go on.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
import pytest

from support.installation import Installation
from ticket_export.snapshot import LIVE, Snapshot
from ticket_export.source_contract import SourceTable, source_table

TABLES = [source_table(name) for name in ("tickets", "comments", "followers", "teams")]
KEYS = 40
STEPS = 60

PREPARE = f"""
DELETE FROM tickets;
DELETE FROM teams;
INSERT INTO teams (id, name) SELECT lpad(to_hex(i), 32, '0')::uuid, 'team ' || i FROM generate_series(1, 5) i;
INSERT INTO tickets (id, title, status) SELECT i, 'ticket ' || i, 'new' FROM generate_series(1, {KEYS} / 2) i
"""


@dataclass(frozen=True)
class Oracle:
    """What a snapshot really saw: rows as text, by table."""

    snapshot: Snapshot
    rows: dict[str, list[str]]


async def take(connection: asyncpg.Connection) -> Oracle:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        text = await connection.fetchval("SELECT pg_current_snapshot()::text")
        rows = {table.name: await read(connection, table, f"{table.name}") for table in TABLES}
    return Oracle(Snapshot.parse(text), rows)


async def read(connection: asyncpg.Connection, table: SourceTable, source: str) -> list[str]:
    columns = ", ".join(f"u.{name}" for name in table.column_names)
    return [row[0] for row in await connection.fetch(f"SELECT row({columns})::text FROM {source} u ORDER BY 1")]


async def read_as_of(connection: asyncpg.Connection, table: SourceTable, condition: str) -> list[str]:
    columns = ", ".join(table.column_names)
    union = (
        f"(SELECT {columns}, valid_from, '{LIVE}'::xid8 AS valid_to FROM {table.name}"
        f" UNION ALL SELECT {columns}, valid_from, valid_to FROM {table.history})"
    )
    return await read(connection, table, f"(SELECT * FROM {union} u WHERE {condition})")


async def verify(connection: asyncpg.Connection, oracle: Oracle) -> None:
    by_postgres = (
        f"pg_visible_in_snapshot(valid_from, '{oracle.snapshot}')"
        f" AND NOT pg_visible_in_snapshot(valid_to, '{oracle.snapshot}')"
    )
    for table in TABLES:
        for condition in (by_postgres, oracle.snapshot.visible("u")):
            assert await read_as_of(connection, table, condition) == oracle.rows[table.name], (table.name, condition)


class Writer:
    """One session of the host that does random things; what the database refuses is rolled back and forgotten."""

    def __init__(self, connection: asyncpg.Connection, choices: random.Random) -> None:
        self._connection = connection
        self._random = choices
        self.committed: Counter[str] = Counter()

    async def work(self) -> None:
        for _ in range(STEPS):
            kinds = [self._random.choice(sorted(STATEMENTS)) for _ in range(self._random.randint(1, 4))]
            try:
                if await self._transaction(kinds):
                    self.committed.update(kinds)
            except (asyncpg.IntegrityConstraintViolationError, asyncpg.DeadlockDetectedError):
                continue

    async def _transaction(self, kinds: Sequence[str]) -> bool:
        """Run statements of these kinds; tell whether they were committed."""
        transaction = self._connection.transaction()
        await transaction.start()
        try:
            for kind in kinds:
                await self._statement(kind)
                await asyncio.sleep(0)
        except asyncpg.PostgresError:
            await transaction.rollback()
            raise
        commits = self._random.random() > 0.2
        await (transaction.commit() if commits else transaction.rollback())
        return commits

    async def _statement(self, kind: str) -> None:
        values = {
            "a": self._random.randint(1, KEYS),
            "b": self._random.randint(1, KEYS),
            "t": self._random.randint(1, 5),
        }
        sql = STATEMENTS[kind].format(**values)
        if self._random.random() < 0.3:
            undo = "ROLLBACK TO" if self._random.random() < 0.5 else "RELEASE"
            sql = f"SAVEPOINT s; {sql}; {undo} s"
        await self._connection.execute(sql)


STATEMENTS = {
    "insert": "INSERT INTO tickets (id, title, status) VALUES ({a}, 'new {b}', 'new') ON CONFLICT DO NOTHING",
    "forge": "INSERT INTO tickets (id, title, status, valid_from) VALUES ({a}, 'forged', 'new', '3')"
    " ON CONFLICT (id) DO UPDATE SET valid_from = '3', title = 'forged {b}'",
    "upsert": "INSERT INTO tickets (id, title, status) VALUES ({a}, 'upsert {b}', 'new')"
    " ON CONFLICT (id) DO UPDATE SET title = excluded.title",
    "update": "UPDATE tickets SET status = 'active', last_modification_time = clock_timestamp() WHERE id = {a}",
    "bulk": "UPDATE tickets SET title = title || '.' WHERE id BETWEEN {a} AND {b} AND length(title) < 40",
    "key": "UPDATE tickets SET id = {b} WHERE id = {a}",
    "delete": "DELETE FROM tickets WHERE id = {a}",
    "reinsert": "DELETE FROM tickets WHERE id = {a}; INSERT INTO tickets (id, title, status) VALUES ({a}, 're', 'new')",
    "comment": "INSERT INTO comments (ticket_id, body) SELECT id, 'on {a}' FROM tickets WHERE id = {a}",
    "follow": "INSERT INTO followers SELECT {a}, id FROM staff WHERE username = 'ada' ON CONFLICT DO NOTHING",
    "team": "UPDATE teams SET name = 'team {a} {b}' WHERE id = lpad(to_hex({t}), 32, '0')::uuid",
    "merge": "MERGE INTO tickets USING (VALUES ({a}::bigint)) v (id) ON tickets.id = v.id"
    " WHEN MATCHED AND {b} % 3 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET title = 'merged {b}'"
    " WHEN NOT MATCHED THEN INSERT (id, title, status) VALUES (v.id, 'merged', 'new')",
}


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_what_a_snapshot_saw_can_be_read_ever_after(database: Installation, seed: int) -> None:
    owner = await database.connect()
    await owner.execute(PREPARE)
    hosts = [await database.connect(database.helpdesk_url) for _ in range(4)]
    writers = [Writer(host, random.Random(seed * 100 + place)) for place, host in enumerate(hosts)]  # noqa: S311
    reader = await database.connect(database.source_reader_url)
    # The first oracle is taken before the first write, the others amid them.
    oracles = [await take(reader)]
    working = asyncio.gather(*(writer.work() for writer in writers))
    while not working.done():
        oracles.append(await take(reader))
        await verify(reader, random.Random(len(oracles)).choice(oracles))  # noqa: S311
    await working
    for oracle in (oracles[0], *random.Random(seed).sample(oracles, min(20, len(oracles)))):  # noqa: S311
        await verify(reader, oracle)
    committed = {kind for writer in writers for kind in writer.committed}
    assert committed >= {"insert", "update", "delete", "key", "reinsert"}, "the schedule proved too little"
    assert sum(bool(oracle.snapshot.running) for oracle in oracles) > 3, "no snapshot met a running writer"
    assert any(oracles[0].rows[name] != oracles[-1].rows[name] for name in ("tickets", "teams"))
    for connection in (owner, reader, *hosts):
        await connection.close()
