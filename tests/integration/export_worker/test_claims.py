"""Who is given which task: fair between people, within limits, nothing while paused."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from export_worker.claim import Claimed, Claims
from export_worker.settings import WorkerSettings
from support.exports import insert_job
from support.installation import Installation
from support.workers import SHORT
from ticket_export.database.connection import open_pool
from ticket_export.topics import Topics


@pytest.fixture
async def claims(installation: Installation) -> AsyncIterator[Claims]:
    settings = installation.settings(WorkerSettings, **{**SHORT, "lease_seconds": 60.0})
    pool = await open_pool(settings.database_url, schema="exports", application_name="test", max_size=20)
    yield Claims(settings, pool, Topics(installation.topic_prefix))
    await pool.close()


async def claim_all(claims: Claims) -> list[Claimed]:
    taken = []
    while (task := await claims.claim(idle=True)) is not None:
        taken.append(task)
    return taken


async def test_one_person_does_not_get_every_slot(installation: Installation, claims: Claims) -> None:
    greedy, modest = uuid4(), uuid4()
    many = [await insert_job(installation, requester=greedy) for _ in range(4)]
    one = await insert_job(installation, requester=modest)
    first, second = await claims.claim(idle=True), await claims.claim(idle=True)
    assert first is not None
    assert second is not None
    assert (first.task.job_id, second.task.job_id) == (many[0].id, one.id)


async def test_sixteen_claimers_at_once_share_fairly(installation: Installation, claims: Claims) -> None:
    people = [uuid4() for _ in range(4)]
    owners: dict[UUID, UUID] = {}
    for person in people:
        for _ in range(5):
            owners[(await insert_job(installation, requester=person)).id] = person
    claimed = await asyncio.gather(*(claims.claim(idle=True) for _ in range(16)))
    shares = [sum(1 for task in claimed if task and owners[task.task.job_id] == person) for person in people]
    assert shares == [4, 4, 4, 4]


async def test_a_persons_sixth_job_waits(installation: Installation, claims: Claims) -> None:
    person = uuid4()
    for _ in range(6):
        await insert_job(installation, requester=person)
    assert len(await claim_all(claims)) == 5
    connection = await installation.connect()
    statuses = await connection.fetch("SELECT status FROM exports.jobs ORDER BY requested_at, id")
    await connection.close()
    assert [row["status"] for row in statuses] == ["running"] * 5 + ["queued"]


async def test_nothing_is_claimed_while_paused(installation: Installation, claims: Claims) -> None:
    await insert_job(installation)
    connection = await installation.connect()
    await connection.execute("INSERT INTO exports.controls (name, value) VALUES ('pause', 'true')")
    assert await claims.claim(idle=True) is None
    await connection.execute("DELETE FROM exports.controls")
    await connection.close()
    assert await claims.claim(idle=True) is not None


async def test_the_fleet_keeps_to_its_source_connections(installation: Installation, claims: Claims) -> None:
    for _ in range(4):
        await insert_job(installation, requester=uuid4())
    narrow = Claims(claims.settings.model_copy(update={"max_source_connections": 2}), claims.pool, claims.topics)
    assert len(await claim_all(narrow)) == 2


async def test_a_third_attempt_needs_an_idle_worker(installation: Installation, claims: Claims) -> None:
    requested = await insert_job(installation)
    connection = await installation.connect()
    await connection.execute("UPDATE exports.tasks SET attempt = 2 WHERE job_id = $1", requested.id)
    await connection.close()
    assert await claims.claim(idle=False) is None
    task = await claims.claim(idle=True)
    assert task is not None
    assert task.task.attempt == 3


async def test_a_task_that_has_waited_for_an_idle_worker_stops_the_busy_ones(
    installation: Installation, claims: Claims
) -> None:
    lonely = await insert_job(installation)
    await insert_job(installation, requester=uuid4())
    connection = await installation.connect()
    waited = claims.settings.lease_seconds + 1
    await connection.execute(
        "UPDATE exports.tasks SET attempt = 2, available_at = clock_timestamp() - make_interval(secs => $2)"
        " WHERE job_id = $1",
        lonely.id,
        waited,
    )
    await connection.close()
    assert await claims.claim(idle=False) is None, "it becomes idle instead"
    task = await claims.claim(idle=True)
    assert task is not None
    assert task.task.job_id == lonely.id
    assert await claims.claim(idle=False) is not None, "then the others go on"


async def test_a_claim_starts_the_job_and_says_so(installation: Installation, claims: Claims) -> None:
    requested = await insert_job(installation)
    task = await claims.claim(idle=True)
    assert task is not None
    connection = await installation.connect()
    job = await connection.fetchrow("SELECT status, stage, sequence FROM exports.jobs WHERE id = $1", requested.id)
    events = await connection.fetch("SELECT headers ->> 'ce_type' AS type FROM exports.outbox ORDER BY id")
    await connection.close()
    assert job is not None
    assert tuple(job) == ("running", "counting", 2)
    assert [row["type"] for row in events] == [
        "ticket-export.AuditRecorded.v1",
        "ticket-export.ExportStarted.v1",
    ]


async def test_a_cancelled_job_is_nobodys(installation: Installation, claims: Claims) -> None:
    requested = await insert_job(installation)
    connection = await installation.connect()
    await connection.execute("UPDATE exports.jobs SET status = 'cancelled' WHERE id = $1", requested.id)
    await connection.close()
    assert await claims.claim(idle=True) is None
