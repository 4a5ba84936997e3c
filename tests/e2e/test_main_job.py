"""The main job with the services as processes on real servers: a person asks, the exact file arrives."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

from local_stack.demo import Replay
from local_stack.demo.people import ADA
from support.exports import digest_of
from support.installation import Installation
from support.oracle import expected_rows, parse_csv
from support.rest import Client, client
from support.services import fleet


async def assert_file_is_exact(installation: Installation, rest: Client, job: dict[str, Any]) -> list[list[str]]:
    """Download; every row equals an independent reading of the helpdesk as of the request."""
    assert job["status"] == "completed", job["error"]
    content = await rest.download(job["id"])
    connection = await installation.connect()
    try:
        expected = await expected_rows(
            connection,
            snapshot=job["snapshot"],
            requested_at=datetime.fromisoformat(job["requested_at"]),
            scope=job["view"]["id"],
        )
    finally:
        await connection.close()
    cells = parse_csv(content)
    assert cells == expected
    assert job["file"]["digest"] == digest_of(content, job["parts"])
    assert job["file"]["size_bytes"] == len(content)
    assert job["progress"]["rows_done"] == len(cells) - 1
    return cells


async def change_the_view(installation: Installation) -> None:
    """Commit an insert, an update and a delete of tickets that the view shows."""
    connection = await installation.connect(installation.helpdesk_url)
    try:
        await connection.execute(
            "INSERT INTO helpdesk.tickets (id, title, status, creation_time) VALUES (77000001, 'too late', 'new', now())"
        )
        changed = await connection.fetch("UPDATE helpdesk.tickets SET title = 'too late' WHERE id % 5 = 1 RETURNING id")
        gone = await connection.fetch("DELETE FROM helpdesk.tickets WHERE id % 9 = 2 RETURNING id")
        renamed = await connection.fetch("UPDATE helpdesk.statuses SET label = 'too late' RETURNING label")
        assert changed
        assert gone
        assert renamed
    finally:
        await connection.close()


async def test_writers_between_request_and_copy_change_nothing(installation: Installation, tmp_path: Path) -> None:
    async with fleet(installation, tmp_path) as services:
        api = await services.api()
        async with client(api.url, services.token("ada")) as rest:
            requested = await rest.request_export("all")
            assert requested["status"] == "queued"
            await change_the_view(installation)
            async with Replay(installation.helpdesk_url, "helpdesk") as replay:
                await asyncio.wait_for(replay.first_change(), 10)
                await services.worker()
                job = await rest.ended(requested["id"])
            cells = await assert_file_is_exact(installation, rest, job)
    assert len(cells) == 891
    assert replay.changes > 0
    assert "too late" not in {cell for line in cells for cell in line}


async def test_two_workers_share_twenty_exports(installation: Installation, tmp_path: Path) -> None:
    """A lock on the tickets is the barrier: it opens once each worker holds a task."""
    host = await installation.connect(installation.helpdesk_url)
    owner = await installation.connect()
    async with fleet(installation, tmp_path) as services:
        api = await services.api()
        async with client(api.url, services.token("ada")) as rest:
            jobs = [
                await rest.request_export(view) for view in ("all", "open", "unassigned", "overdue") for _ in range(5)
            ]
            async with host.transaction():
                await host.execute("LOCK TABLE helpdesk.tickets IN ACCESS EXCLUSIVE MODE")
                for name in ("one", "two"):
                    await services.worker(WORKER_NAME=name, WORKER_SLOTS="1")
                async with asyncio.timeout(20):
                    while await holders(owner) != {"one", "two"}:
                        await asyncio.sleep(0.05)
            for job in jobs:
                await assert_file_is_exact(installation, rest, await rest.ended(job["id"]))
    finished = await owner.fetch(
        "SELECT worker, count(DISTINCT job_id) AS jobs FROM exports.tasks WHERE kind = 'finish' GROUP BY worker"
    )
    completed = await owner.fetch(
        "SELECT job_id, count(*) AS times FROM exports.audit_log WHERE action = 'completed' GROUP BY job_id"
    )
    await host.close()
    await owner.close()
    assert {row["worker"] for row in finished} == {"one", "two"}
    assert sum(row["jobs"] for row in finished) == 20
    assert sorted(row["times"] for row in completed) == [1] * 20


async def holders(connection: Any) -> set[str]:
    rows = await connection.fetch("SELECT DISTINCT worker FROM exports.tasks WHERE status = 'leased'")
    return {row["worker"] for row in rows}


async def test_a_whole_export_with_kafka_stopped(installation: Installation, tmp_path: Path) -> None:
    kafka = installation.servers.kafka
    async with fleet(installation, tmp_path) as services:
        await asyncio.to_thread(kafka.stop)
        try:
            api = await services.api()
            await services.worker()
            async with client(api.url, services.token("ada")) as rest:
                requested = await rest.request_export("open", client_reference="without kafka")
                job = await rest.ended(requested["id"])
                await assert_file_is_exact(installation, rest, job)
            waiting = await outbox(installation)
            assert len(waiting) >= 3, "nothing is lost: the events wait"
        finally:
            await asyncio.to_thread(kafka.start)
        async with asyncio.timeout(100):
            while await outbox(installation):
                await asyncio.sleep(0.1)
        assert await api.stop() == 0


async def outbox(installation: Installation) -> list[str]:
    connection = await installation.connect()
    try:
        return [row["topic"] for row in await connection.fetch("SELECT topic FROM exports.outbox ORDER BY id")]
    finally:
        await connection.close()


async def test_everything_about_one_export_is_on_record(installation: Installation, tmp_path: Path) -> None:
    async with fleet(installation, tmp_path) as services:
        api, worker = await services.api(), await services.worker()
        async with client(api.url, services.token("ada")) as rest:
            job = await rest.ended((await rest.request_export("overdue"))["id"])
            await assert_file_is_exact(installation, rest, job)
        assert await worker.stop() == 0
        assert await api.stop() == 0
    connection = await installation.connect()
    rows = await connection.fetch("SELECT action, actor_id, rows_total, duration_ms FROM exports.audit_log ORDER BY id")
    await connection.close()
    assert [row["action"] for row in rows] == ["requested", "started", "completed", "link_issued"]
    assert rows[0]["actor_id"] == rows[3]["actor_id"] == ADA.id
    assert rows[2]["rows_total"] == job["progress"]["rows_done"]
    assert rows[2]["duration_ms"] > 0
