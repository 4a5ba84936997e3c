"""What versioning costs the host: single-row statements on two helpdesks, one versioned and one not.

"statement" is one of many in a transaction: executor, indexes, foreign keys, triggers. "transaction" is a statement and
its commit. Both run in a procedure of the server, so that no client's time hides the difference. "request" is what the
host sees: a prepared statement over a connection, committed by itself.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import asyncpg

from bench.desk import HELPDESK, Desk
from bench.rounds import Variant

ROWS = 10_000
OPERATIONS = ("INSERT", "UPDATE", "DELETE")
KINDS = ("statement", "transaction", "request")

# New rows have ids of their own, so that DELETE removes what INSERT has added and every round begins alike.
_FIRST_NEW = 2_000_000_000
_BODIES = {
    "INSERT": f"""
        INSERT INTO {HELPDESK}.tickets (id, title, description, status, priority, language, contact_id, assignee_id,
                                        created_by_staff_id, owning_team_id, creation_time, sla_due_at, sla_status)
        SELECT {{place}} + {_FIRST_NEW}, title, description, status, priority, language, contact_id, assignee_id,
               created_by_staff_id, owning_team_id, clock_timestamp(), clock_timestamp() + interval '1 day', 'on_track'
        FROM {HELPDESK}.tickets WHERE id = {{id}}""",
    "UPDATE": f"""
        UPDATE {HELPDESK}.tickets SET status = CASE status WHEN 'new' THEN 'active' ELSE 'new' END,
               last_modification_time = clock_timestamp() WHERE id = {{id}}""",
    "DELETE": f"DELETE FROM {HELPDESK}.tickets WHERE id = {{place}} + {_FIRST_NEW}",
}
_PROCEDURE = """
CREATE PROCEDURE {name}() LANGUAGE plpgsql AS $$
DECLARE
    ids CONSTANT bigint[] := ARRAY(SELECT id FROM bench_rows ORDER BY place);
BEGIN
    FOR n IN 1 .. cardinality(ids) LOOP
        {body};
        {commit}
    END LOOP;
END $$
"""
_PICK = f"""
CREATE TABLE bench_rows AS
SELECT row_number() OVER (ORDER BY hashint8(id)) AS place, id
FROM (SELECT id FROM {HELPDESK}.tickets ORDER BY hashint8(id) LIMIT {ROWS}) picked
"""


def variant_name(operation: str, kind: str, *, versioned: bool) -> str:
    """Return what a measurement is called in the results."""
    return f"{operation} {kind} {'versioned' if versioned else 'plain'}"


@dataclass(frozen=True, slots=True)
class _Session:
    connection: asyncpg.Connection
    rows: Sequence[asyncpg.Record]

    async def call(self, operation: str, kind: str) -> int:
        """Let the server go through the rows."""
        await self.connection.execute(f"CALL {operation}_{kind}()")
        return len(self.rows)

    async def request(self, operation: str, _: str) -> int:
        """Send one statement per row."""
        body = _BODIES[operation]
        used = [name for name in ("place", "id") if f"{{{name}}}" in body]
        places = {name: f"${number}::bigint" for number, name in enumerate(used, start=1)}
        statement = await self.connection.prepare(body.format(**places))
        for row in self.rows:
            await statement.fetch(*(row[name] for name in used))
        return len(self.rows)


@asynccontextmanager
async def write_variants(plain: Desk, versioned: Desk) -> AsyncIterator[list[Variant]]:
    """Prepare the procedures and the sessions; each operation runs on both helpdesks in turn."""
    async with AsyncExitStack() as stack:
        sessions = {False: await _session(plain, stack), True: await _session(versioned, stack)}
        yield [
            _variant(sessions, operation, kind, on=on)
            for kind in KINDS
            for operation in OPERATIONS
            for on in (False, True)
        ]


def _variant(sessions: Mapping[bool, _Session], operation: str, kind: str, *, on: bool) -> Variant:
    session = sessions[on]
    run = partial(session.request if kind == "request" else session.call, operation, kind)
    return Variant(variant_name(operation, kind, versioned=on), run, (session.connection.get_server_pid(),))


async def _session(desk: Desk, stack: AsyncExitStack) -> _Session:
    connection = await asyncpg.connect(desk.url)
    stack.push_async_callback(connection.close)
    await connection.execute(_PICK)
    for operation, body in _BODIES.items():
        for kind, commit in (("statement", ""), ("transaction", "COMMIT;")):
            filled = body.format(place="n", id="ids[n]")
            await connection.execute(_PROCEDURE.format(name=f"{operation}_{kind}", body=filled, commit=commit))
    return _Session(connection, await connection.fetch("SELECT place, id FROM bench_rows ORDER BY place"))
