"""History goes when no export can need it any more, and never before; the horizon tells what is gone."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from integration.janitor.scene import HOUR, Scene
from support.installation import Installation
from ticket_export.source_contract import CONTRACT, VALID_TO

Connection = asyncpg.Connection
LONG_AGO = timedelta(hours=2)


@pytest.fixture
async def host(installation: Installation) -> AsyncIterator[Connection]:
    connection = await installation.connect(installation.helpdesk_url)
    yield connection
    await connection.close()


async def snapshot(scene: Scene) -> str:
    return str(await scene.owner.fetchval("SELECT pg_current_snapshot()::text"))


async def visible_titles(scene: Scene, taken: str) -> list[str]:
    """The tickets' titles as of a snapshot, by PostgreSQL's own rule."""
    rows = await scene.owner.fetch(
        """
        SELECT title FROM helpdesk.tickets WHERE pg_visible_in_snapshot(valid_from, $1::text::pg_snapshot)
        UNION ALL
        SELECT title FROM helpdesk.tickets_history WHERE pg_visible_in_snapshot(valid_from, $1::text::pg_snapshot)
            AND NOT pg_visible_in_snapshot(valid_to, $1::text::pg_snapshot)
        ORDER BY 1
        """,
        taken,
    )
    return [row["title"] for row in rows]


async def verdict(scene: Scene, taken: str) -> str:
    try:
        await scene.owner.fetchval("SELECT export_source.assert_safe($1)", taken)
    except asyncpg.PostgresError as error:
        return str(error.sqlstate)
    return "safe"


async def quiet(scene: Scene) -> None:
    """Wait until nobody writes, autovacuum included: then a snapshot's xmin is after everything that was done."""
    while not await scene.owner.fetchval(
        "SELECT pg_snapshot_xmin(s) = pg_snapshot_xmax(s) FROM pg_current_snapshot() s"
    ):
        await asyncio.sleep(0.02)


async def mark(scene: Scene, ago: timedelta = LONG_AGO, *, writing: bool = False) -> int:
    """A marker of now that says it was recorded a while ago; returns its xmin."""
    if not writing:
        await quiet(scene)
    xmin = await scene.owner.fetchval(
        """
        INSERT INTO export_source.markers (recorded_at) VALUES (clock_timestamp() - $1::interval)
        RETURNING pg_snapshot_xmin(snapshot::pg_snapshot)
        """,
        ago,
    )
    return int(xmin)


async def horizon(scene: Scene) -> int:
    return int(await scene.owner.fetchval("SELECT xid FROM export_source.horizon"))


async def kept(scene: Scene) -> int:
    return await scene.count("helpdesk.tickets_history")


async def retitle(host: Connection, title: str) -> int:
    """Change every ticket; returns how many."""
    answer: str = await host.execute("UPDATE tickets SET title = $1", title)
    return int(answer.removeprefix("UPDATE "))


async def test_what_ended_before_an_old_marker_goes_and_what_ended_after_it_stays(
    scene: Scene, host: Connection
) -> None:
    changed = await retitle(host, "a")
    xmin = await mark(scene)
    await retitle(host, "b")

    report = await scene.run()

    assert report.summary()["prune_history"] == changed == await kept(scene)
    assert await horizon(scene) == xmin
    assert await scene.owner.fetchval("SELECT min(valid_to) FROM helpdesk.tickets_history") >= xmin


async def test_every_table_is_pruned(scene: Scene) -> None:
    for table in CONTRACT:
        columns = ", ".join((*table.column_names, "valid_from"))
        await scene.owner.execute(
            f"INSERT INTO helpdesk.{table.history} ({VALID_TO}, {columns}) SELECT '4', {columns} FROM helpdesk.{table.name}"
        )
        await scene.owner.execute(f"INSERT INTO helpdesk.{table.history} ({VALID_TO}, valid_from) VALUES ('4', '3')")
    await mark(scene)

    await scene.run()

    assert [table.name for table in CONTRACT if await scene.count(f"helpdesk.{table.history}")] == []


async def test_without_a_marker_of_the_right_age_nothing_goes(scene: Scene, host: Connection) -> None:
    changed = await retitle(host, "a")
    await mark(scene, ago=timedelta(minutes=59))

    report = await scene.run()

    assert (report.summary()["prune_history"], await kept(scene), await horizon(scene)) == (0, changed, 3)


async def test_a_request_on_its_way_to_its_job_loses_nothing(scene: Scene, host: Connection) -> None:
    """Its snapshot is taken, its job not yet committed: the marker, which is older, stands for it."""
    await retitle(host, "a")
    await mark(scene)
    taken = await snapshot(scene)
    titles = await visible_titles(scene, taken)
    await retitle(host, "b")
    await scene.job("queued", snapshot=await snapshot(scene))  # a later request that was quicker
    await mark(scene, ago=timedelta(minutes=30))  # as runs in between leave them

    await scene.run()

    assert await visible_titles(scene, taken) == titles
    assert await verdict(scene, taken) == "safe"
    await scene.job("queued", snapshot=taken)
    await mark(scene)
    await scene.run()
    assert await visible_titles(scene, taken) == titles
    assert await verdict(scene, taken) == "safe"


async def test_a_request_that_was_on_its_way_for_longer_is_refused(scene: Scene, host: Connection) -> None:
    taken = await snapshot(scene)
    await retitle(host, "a")
    await mark(scene)

    await scene.run()

    assert await verdict(scene, taken) == "TX001"


@pytest.mark.parametrize("status", ["queued", "running"])
async def test_an_unfinished_export_holds_what_it_needs(scene: Scene, host: Connection, status: str) -> None:
    await retitle(host, "a")
    taken = await snapshot(scene)
    titles = await visible_titles(scene, taken)
    await scene.job(status, snapshot=taken)
    await scene.job(status, snapshot=await snapshot(scene))
    await retitle(host, "b")
    await mark(scene)

    report = await scene.run()

    assert report.summary()["prune_history"] > 0
    assert await visible_titles(scene, taken) == titles
    assert await verdict(scene, taken) == "safe"
    assert await horizon(scene) == int(taken.split(":")[0])


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled", "expired"])
async def test_an_ended_export_holds_nothing(scene: Scene, host: Connection, status: str) -> None:
    await scene.job(status, snapshot=await snapshot(scene))
    await retitle(host, "a")
    await mark(scene)

    await scene.run()

    assert await kept(scene) == 0


async def test_an_export_that_reads_live_rows_holds_nothing(scene: Scene, host: Connection) -> None:
    await scene.job("queued", snapshot="", snapshot_mode="statement")
    await retitle(host, "a")
    await mark(scene)

    await scene.run()

    assert await kept(scene) == 0


@pytest.mark.parametrize("has_job", [True, False])
async def test_what_a_long_writer_ended_is_old_by_its_number_and_stays(
    scene: Scene, host: Connection, installation: Installation, has_job: bool
) -> None:
    """By age it could go: the marker is old, and transactions after the writer's were done at its time."""
    writer = await installation.connect(installation.helpdesk_url)
    transaction = writer.transaction()
    await transaction.start()
    number = int(await writer.fetchval("SELECT pg_current_xact_id()"))
    await retitle(host, "a")
    await mark(scene, writing=True)
    taken = await snapshot(scene)
    titles = await visible_titles(scene, taken)
    assert str(number) in taken
    if has_job:
        await scene.job("running", snapshot=taken)
    await retitle(writer, "by the long writer")
    await transaction.commit()
    await writer.close()

    await scene.run()

    assert await visible_titles(scene, taken) == titles
    assert await verdict(scene, taken) == "safe"


async def test_who_sees_that_rows_are_gone_sees_the_horizon(scene: Scene, host: Connection) -> None:
    """Judged from a second session between any two statements of the janitor's."""
    taken = await snapshot(scene)
    await retitle(host, "a")
    await mark(scene)
    before = await visible_titles(scene, taken)
    original, seen = type(scene.source).prune, []

    async def watched(source: object, history: str, at: int, rows: int) -> int:
        deleted = await original(scene.source, history, at, rows)
        complete = await visible_titles(scene, taken) == before
        seen.append((complete, await verdict(scene, taken)))
        return deleted

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(scene.source), "prune", watched)
        await scene.run(history_batch_rows=100)

    assert (True, "safe") in seen
    assert (False, "TX001") in seen
    assert (False, "safe") not in seen


async def test_a_run_that_ends_between_two_batches_has_moved_the_horizon(scene: Scene, host: Connection) -> None:
    taken = await snapshot(scene)
    changed = await retitle(host, "a")
    xmin = await mark(scene)

    assert await scene.source.prune("tickets_history", xmin, 100) == 100

    assert await kept(scene) == changed - 100
    assert await horizon(scene) == xmin
    assert await verdict(scene, taken) == "TX001"


async def test_the_horizon_never_goes_back(scene: Scene, host: Connection) -> None:
    await retitle(host, "a")
    await scene.owner.execute("UPDATE export_source.horizon SET xid = '9223372036854775807'")
    await mark(scene)

    await scene.run()

    assert await kept(scene) == 0
    assert await horizon(scene) == 9223372036854775807


async def test_nothing_to_delete_moves_no_horizon(scene: Scene) -> None:
    await mark(scene)

    await scene.run()

    assert await horizon(scene) == 3


async def test_a_run_records_one_marker_and_forgets_those_that_have_served(scene: Scene) -> None:
    for ago in (5, 4, 3):
        await mark(scene, ago=ago * HOUR)
    await mark(scene, ago=timedelta(minutes=20))
    await mark(scene, ago=-HOUR)  # from before the clock was set back

    await scene.run()
    await scene.run()

    ages = await scene.owner.fetch(
        "SELECT round(extract(epoch FROM clock_timestamp() - recorded_at) / 600)::int AS tens FROM export_source.markers"
    )
    assert sorted(row["tens"] for row in ages) == [-6, 0, 2, 18]


async def test_a_source_that_is_not_versioned_needs_nothing(scene: Scene) -> None:
    await scene.owner.execute("DROP SCHEMA export_source CASCADE")

    report = await scene.run()

    assert report.complete


async def test_a_source_that_refuses_leaves_the_rest_done(scene: Scene) -> None:
    job_id = await scene.job("failed", ended_ago=60 * 24 * HOUR)
    await scene.owner.execute("REVOKE INSERT ON export_source.markers FROM ticket_export_source_pruner")

    report = await scene.run()

    assert await scene.status(job_id) is None
    assert report.summary()["left"] == 1
    assert not report.complete


async def test_after_a_failover_it_goes_on(scene: Scene, host: Connection) -> None:
    changed = await retitle(host, "a")
    await mark(scene)
    await scene.owner.execute("UPDATE export_source.identity SET timeline_id = 17")

    report = await scene.run()

    assert (report.summary()["prune_history"], report.complete) == (changed, True)


async def test_ids_of_another_cluster_are_not_judged(scene: Scene, host: Connection) -> None:
    """A dump that was restored elsewhere brings markers along whose numbers are far ahead."""
    changed = await retitle(host, "a")
    await scene.owner.execute("UPDATE export_source.identity SET system_identifier = 17")
    await scene.owner.execute(
        "INSERT INTO export_source.markers (snapshot, recorded_at) VALUES ('9000000:9000000:', '2001-01-01')"
    )
    await scene.owner.execute("UPDATE export_source.installs SET installed_xid = '8999999'")

    report = await scene.run()

    assert (report.summary()["left"], await kept(scene), await horizon(scene)) == (1, changed, 3)


async def test_a_history_that_is_gone_is_passed_over(scene: Scene, host: Connection) -> None:
    await retitle(host, "a")
    await mark(scene)
    await scene.owner.execute("DROP TABLE helpdesk.comments_history CASCADE")

    report = await scene.run()

    assert report.complete
    assert await kept(scene) == 0
