"""Pausing, resuming and redriving, as an operator does it to a running worker."""

import asyncio

from aiokafka import AIOKafkaConsumer

from export_ops.pause import pause, resume
from export_ops.redrive import redrive
from export_ops.settings import JobsSettings, RedriveSettings
from integration.export_worker.test_wakeups import Sent, connected, consumer, request_event, send
from support.assertions import assert_exact
from support.exports import insert_job
from support.installation import Installation
from support.workers import worker
from ticket_export.events import REQUEST_EVENTS
from ticket_export.topics import Topics

UNKNOWN: Sent = (b'{"of": "tomorrow"}', [("ce_type", b"ticket-export.ExportRequested.v9"), ("extra", b"kept")])


async def test_nothing_is_claimed_while_paused(installation: Installation) -> None:
    settings = JobsSettings(admin_database_url=installation.admin_url)
    assert "resume" in await pause(settings, "the source is being moved")
    assert "paused" in await pause(settings, None)
    async with worker(installation) as running:
        await connected(running)
        requested = await insert_job(installation, "open")
        await send(installation, request_event(requested.id))
        # Another wake-up, which is read after the first, has been taken by then: it looked, and left the task alone.
        await send(installation, UNKNOWN)
        async with asyncio.timeout(20):
            while not running.dead_letters:
                await asyncio.sleep(0.02)
        connection = await installation.connect()
        assert await connection.fetchval("SELECT attempt FROM tasks WHERE job_id = $1", requested.id) == 0
        await connection.close()
        assert await resume(settings) == "resumed"
        await assert_exact(installation, requested)
    assert await resume(settings) == "it was not paused"


async def letters(reader: AIOKafkaConsumer, number: int) -> list[bytes]:
    return [(await asyncio.wait_for(reader.getone(), 20)).value for _ in range(number)]


async def test_dead_letters_go_back_once(installation: Installation) -> None:
    topics = Topics(installation.topic_prefix)
    too_long: Sent = (b"x" * 950_000, [("ce_type", next(iter(REQUEST_EVENTS)).encode())])
    settings = installation.settings(RedriveSettings)
    reports: list[str] = []
    async with (
        worker(installation, sweep_seconds=600.0) as running,
        consumer(installation, topics.dead_letters) as dead,
    ):
        await connected(running)
        await send(installation, UNKNOWN, too_long)
        await letters(dead, 2)

        first = await redrive(settings, reports.append)
        # The worker still does not understand the one that went back.
        assert await letters(dead, 1) == [UNKNOWN[0]]
        second = await redrive(settings, reports.append)
        await letters(dead, 1)

    assert (first.sent, first.kept, second.sent, second.kept) == (1, 1, 1, 0)
    assert any("unknown event type" in line for line in reports)
    async with consumer(installation, topics.requests) as requests:
        sent = [await asyncio.wait_for(requests.getone(), 20) for _ in range(4)]
        assert await requests.getmany(timeout_ms=500) == {}
    back = [record for record in sent if record.value == UNKNOWN[0]]
    assert len(back) == 3
    assert all(set(UNKNOWN[1]) <= set(record.headers) for record in back)
    assert not any(name.startswith("dlq_") for record in back for name, _ in record.headers)


async def test_an_empty_topic_is_no_error(installation: Installation) -> None:
    done = await redrive(installation.settings(RedriveSettings), print)
    assert (done.sent, done.kept) == (0, 0)
