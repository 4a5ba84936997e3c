"""Whole exports by a real worker: the file is the database as of the snapshot."""

import json

import pytest

from support.assertions import assert_exact, file_of
from support.exports import insert_job, list_objects, read_object, wait_until_ended
from support.installation import Installation
from support.tickets import add_tickets
from support.workers import MEBIBYTE, count_part_uploads, worker


@pytest.mark.parametrize("scope", ["all", "open", "unassigned", "overdue"])
async def test_a_view_is_exported_as_of_the_request(installation: Installation, scope: str) -> None:
    requested = await insert_job(installation, scope)
    connection = await installation.connect()
    await connection.execute("UPDATE helpdesk.tickets SET title = 'changed later', status = 'closed' WHERE id % 3 = 0")
    await connection.execute("DELETE FROM helpdesk.tickets WHERE id % 7 = 0")
    await connection.execute("UPDATE helpdesk.statuses SET label = label || ' (renamed)'")
    await connection.execute("UPDATE helpdesk.staff SET first_name = 'Renamed'")
    await connection.close()
    async with worker(installation):
        content = await assert_exact(installation, requested)
    assert content.count(b"\n") > 2
    assert b"changed later" not in content
    assert b"renamed" not in content.lower()
    assert list_objects(installation) == {(await file_of(installation, requested.id))["object_key"]}


async def test_labels_are_those_of_the_request(installation: Installation) -> None:
    """Versions from before and after the snapshot, and a label that came only later, must not show."""
    connection = await installation.connect()
    await connection.execute("UPDATE helpdesk.statuses SET label = 'before ' || label")
    await connection.execute("UPDATE helpdesk.statuses SET label = replace(label, 'before', 'right')")
    # Not every helpdesk has foreign keys.
    await connection.execute("ALTER TABLE helpdesk.tickets DROP CONSTRAINT tickets_priority_fkey")
    await connection.execute("UPDATE helpdesk.tickets SET priority = 'unheard-of' WHERE id % 4 = 0")
    requested = await insert_job(installation, "all")
    await connection.execute("UPDATE helpdesk.statuses SET label = 'after'")
    await connection.execute("UPDATE helpdesk.statuses SET label = 'after that'")
    await connection.execute(
        "INSERT INTO helpdesk.priorities (developer_name, label, sort_order) VALUES ('unheard-of', 'after', 9)"
    )
    await connection.close()
    async with worker(installation):
        content = await assert_exact(installation, requested)
    assert content.count(b'"right ') == 890
    assert content.count(b'"unheard-of"') > 100


async def test_an_empty_view_is_a_header(installation: Installation) -> None:
    connection = await installation.connect()
    await connection.execute("UPDATE helpdesk.tickets SET sla_status = 'on_track'")
    await connection.close()
    requested = await insert_job(installation, "overdue")
    async with worker(installation):
        content = await assert_exact(installation, requested)
    assert content.count(b"\n") == 1


async def test_soft_deleted_and_snoozed_tickets_are_judged_as_of_the_request(installation: Installation) -> None:
    connection = await installation.connect()
    await connection.execute("UPDATE helpdesk.tickets SET deleted_at = now() WHERE id % 5 = 0")
    await connection.execute("UPDATE helpdesk.tickets SET snoozed_until = now() + interval '1 hour' WHERE id % 5 = 1")
    await connection.execute("UPDATE helpdesk.tickets SET snoozed_until = now() - interval '1 hour' WHERE id % 5 = 2")
    requests = [await insert_job(installation, "all"), await insert_job(installation, "open")]
    await connection.execute("UPDATE helpdesk.tickets SET deleted_at = NULL, snoozed_until = NULL")
    await connection.close()
    async with worker(installation):
        contents = [await assert_exact(installation, requested) for requested in requests]
    assert contents[0].count(b"\n") > contents[1].count(b"\n") > 1


async def test_a_formula_in_a_title_is_disarmed(installation: Installation) -> None:
    await add_tickets(installation, 3, title='=HYPERLINK("http://x","y")')
    requested = await insert_job(installation, "all")
    async with worker(installation):
        content = await assert_exact(installation, requested)
    assert b",\"'=HYPERLINK" in content
    assert b',"=' not in content


async def test_multipart_in_pages_with_ties(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    await add_tickets(installation, 20_000, title="x" * 900, same_instant=9_000)
    parts = count_part_uploads(monkeypatch)
    requested = await insert_job(installation, "all")
    async with worker(installation, part_bytes=5 * MEBIBYTE, page_rows=2_500):
        content = await assert_exact(installation, requested)
    assert len(content) > 15 * MEBIBYTE
    assert len(parts) >= 3
    assert set(parts.values()) == {1}


async def test_more_bytes_than_estimated_are_planned_again(installation: Installation) -> None:
    await add_tickets(installation, 9_000, title="y" * 1_500)
    requested = await insert_job(installation, "all")
    async with worker(installation, part_bytes=5 * MEBIBYTE):
        content = await assert_exact(installation, requested)
    assert len(content) > 10 * MEBIBYTE
    assert len((await file_of(installation, requested.id))["part_sizes"]) > 1


async def test_tasks_too_small_for_s3_are_planned_again_as_one(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 takes no part below 5 MiB but the last; a plan that trusted the average notices before S3 does."""
    await add_tickets(installation, 20_000, title="t" * 900, same_instant=9_000)
    monkeypatch.setattr("export_worker.pagination.task_count", lambda pages, *_: min(pages, 8))
    requested = await insert_job(installation, "all")
    async with worker(installation, part_bytes=5 * MEBIBYTE, page_rows=2_500):
        await assert_exact(installation, requested)
    connection = await installation.connect()
    plan = await connection.fetchrow("SELECT plan -> 'tasks' AS tasks FROM exports.jobs WHERE id = $1", requested.id)
    plans = await connection.fetchval(
        "SELECT count(*) FROM exports.tasks WHERE job_id = $1 AND kind = 'plan'", requested.id
    )
    await connection.close()
    assert plan is not None
    assert (len(json.loads(plan["tasks"])), plans) == (1, 2)


async def test_copy_tasks_spread_over_workers_and_give_the_same_bytes(installation: Installation) -> None:
    await add_tickets(installation, 340_000, title="spread")
    limits = {"part_bytes": 5 * MEBIBYTE, "page_rows": 50_000}
    alone, spread = await insert_job(installation, "all"), await insert_job(installation, "all")
    connection = await installation.connect()
    await connection.execute(
        "UPDATE exports.jobs SET snapshot = $2, requested_at = $3 WHERE id = $1",
        spread.id,
        alone.snapshot,
        alone.requested_at,
    )
    await connection.execute("UPDATE exports.tasks SET available_at = 'infinity' WHERE job_id = $1", spread.id)
    async with worker(installation, worker_name="one", worker_slots=1, max_tasks_per_job=1, **limits):
        first = await assert_exact(installation, alone)
    await connection.execute("UPDATE exports.tasks SET available_at = now() WHERE job_id = $1", spread.id)
    async with (
        worker(installation, worker_name="two", worker_slots=1, **limits),
        worker(installation, worker_name="three", worker_slots=1, **limits),
    ):
        job = await wait_until_ended(installation, spread.id)
        assert job["status"] == "completed", job["error_code"]
    tasks = await connection.fetch("SELECT worker FROM exports.tasks WHERE job_id = $1 AND kind = 'copy'", spread.id)
    await connection.close()
    assert len(tasks) >= 2
    assert {task["worker"] for task in tasks} == {"two", "three"}
    assert read_object(installation, (await file_of(installation, spread.id))["object_key"]) == first
