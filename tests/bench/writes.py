"""What versioning costs the host: single-row statements on two helpdesks, one versioned and one not.

"statement" is one of many in a transaction: executor, indexes, foreign keys, triggers. "transaction" is a statement and
its commit. Both run in a procedure of the server, so that no client's time hides the difference.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import asyncpg

from bench.desk import HELPDESK, Desk
from bench.rounds import Variant

ROWS = 10_000
OPERATIONS = ("INSERT", "UPDATE", "DELETE")
KINDS = {"statement": False, "transaction": True}

# New rows have ids of their own, so that DELETE removes what INSERT has added and every round begins alike.
_FIRST_NEW = 2_000_000_000
_BODIES = {
    "INSERT": f"""
        INSERT INTO {HELPDESK}.tickets (id, title, description, status, priority, language, contact_id, assignee_id,
                                        created_by_staff_id, owning_team_id, creation_time, sla_due_at, sla_status)
        SELECT {_FIRST_NEW} + n, title, description, status, priority, language, contact_id, assignee_id,
               created_by_staff_id, owning_team_id, clock_timestamp(), clock_timestamp() + interval '1 day', 'on_track'
        FROM {HELPDESK}.tickets WHERE id = ids[n]""",
    "UPDATE": f"""
        UPDATE {HELPDESK}.tickets SET status = CASE status WHEN 'new' THEN 'active' ELSE 'new' END,
               last_modification_time = clock_timestamp() WHERE id = ids[n]""",
    "DELETE": f"DELETE FROM {HELPDESK}.tickets WHERE id = {_FIRST_NEW} + n",
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
_ROWS = f"""
CREATE TABLE bench_rows AS
SELECT row_number() OVER (ORDER BY hashint8(id)) AS place, id
FROM (SELECT id FROM {HELPDESK}.tickets ORDER BY hashint8(id) LIMIT {ROWS}) picked
"""


def variant_name(operation: str, kind: str, *, versioned: bool) -> str:
    """Return what a measurement is called in the results."""
    return f"{operation} {kind} {'versioned' if versioned else 'plain'}"


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


def _variant(sessions: Mapping[bool, asyncpg.Connection], operation: str, kind: str, *, on: bool) -> Variant:
    session = sessions[on]
    run = partial(_call, session, f"{operation}_{kind}")
    return Variant(variant_name(operation, kind, versioned=on), run, (session.get_server_pid(),))


async def _call(session: asyncpg.Connection, procedure: str) -> int:
    await session.execute(f"CALL {procedure}()")
    return ROWS


async def _session(desk: Desk, stack: AsyncExitStack) -> asyncpg.Connection:
    session = await asyncpg.connect(desk.url)
    stack.push_async_callback(session.close)
    await session.execute(_ROWS)
    for operation, body in _BODIES.items():
        for kind, commits in KINDS.items():
            name, commit = f"{operation}_{kind}", "COMMIT;" if commits else ""
            await session.execute(_PROCEDURE.format(name=name, body=body, commit=commit))
    return session
