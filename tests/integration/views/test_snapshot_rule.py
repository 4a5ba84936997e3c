"""Our comparisons are PostgreSQL's own rule of visibility."""

import random

import pytest

from integration.views.reading import Connection
from support.installation import Installation
from ticket_export.snapshot import LIVE, Snapshot

PAIRS = """
CREATE TEMP TABLE versions AS
SELECT f.xid::text::xid8 AS valid_from, coalesce(t.xid::text, '{live}')::xid8 AS valid_to
FROM generate_series({low}::bigint, {high}::bigint) AS f (xid)
CROSS JOIN (SELECT xid FROM generate_series({low}::bigint, {high}::bigint) AS xid UNION ALL SELECT NULL) AS t (xid)
"""
JUDGED = """
SELECT count(*) FILTER (WHERE ours IS DISTINCT FROM theirs) AS wrong,
       count(*) FILTER (WHERE theirs) AS visible, count(*) FILTER (WHERE NOT theirs) AS hidden
FROM (SELECT {ours} AS ours, {theirs} AS theirs FROM versions v) judged
"""
BORN = "pg_visible_in_snapshot(v.valid_from, '{snapshot}')"
ALIVE = BORN + " AND NOT pg_visible_in_snapshot(v.valid_to, '{snapshot}')"


async def assert_same(connection: Connection, snapshot: str) -> None:
    ours = Snapshot.parse(snapshot)
    assert str(ours) == snapshot
    for condition, theirs in ((ours.visible("v"), ALIVE), (ours.visible("v", live=True), BORN)):
        row = await connection.fetchrow(JUDGED.format(ours=condition, theirs=theirs.format(snapshot=snapshot)))
        assert row is not None
        assert row["wrong"] == 0, (snapshot, condition)
        assert row["visible"]
        assert row["hidden"]


async def lay_out(connection: Connection, low: int, high: int) -> None:
    await connection.execute("DROP TABLE IF EXISTS versions")
    await connection.execute(PAIRS.format(low=low, high=high, live=LIVE))


async def test_for_any_snapshot(owner: Connection) -> None:
    await lay_out(owner, 95, 125)
    dice = random.Random(20240229)  # noqa: S311 - the same each time
    for _ in range(60):
        xmin = dice.randint(100, 115)
        xmax = dice.randint(xmin, 120)
        running = sorted(xid for xid in range(xmin, xmax) if dice.random() < dice.choice((0.0, 0.3, 1.0)))
        await assert_same(owner, f"{xmin}:{xmax}:{','.join(map(str, running))}")


@pytest.mark.parametrize("seed", range(3))
async def test_for_snapshots_taken_while_transactions_run(desk: Installation, owner: Connection, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - the same each time
    writers = [await desk.connect() for _ in range(8)]
    try:
        for _ in range(4):
            for writer in writers:
                if writer.is_in_transaction():
                    if dice.random() < 0.5:
                        await writer.execute(dice.choice(("COMMIT", "ROLLBACK")))
                else:
                    await writer.execute("BEGIN")
                    await writer.fetchval("SELECT pg_current_xact_id()")
            # Ids from the latest that has ended on are not listed as running.
            await owner.fetchval("SELECT pg_current_xact_id()")
            snapshot = str(await owner.fetchval("SELECT pg_current_snapshot()::text"))
            parsed = Snapshot.parse(snapshot)
            assert parsed.running
            await lay_out(owner, parsed.xmin - 3, parsed.xmax + 3)
            await assert_same(owner, snapshot)
    finally:
        for writer in writers:
            await writer.close()


async def test_for_ids_beyond_32_bits(owner: Connection) -> None:
    epoch = 7 * 2**32
    await lay_out(owner, epoch, epoch + 20)
    await assert_same(owner, f"{epoch + 5}:{epoch + 12}:{epoch + 5},{epoch + 9}")


async def test_what_we_refuse_postgresql_refuses_too(owner: Connection) -> None:
    for junk in ("0:20:", "20:10:", "10:20:9", "10:20:20", "10:20:15,12", "18446744073709551616:1:", "x"):
        with pytest.raises(ValueError, match="not a snapshot"):
            Snapshot.parse(junk)
        assert not await owner.fetchval("SELECT pg_input_is_valid($1, 'pg_snapshot')", junk)
