"""The command itself, as an operator and a container run it."""

import asyncio
import json
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp

from integration.janitor.scene import Scene

JANITOR = Path(sys.executable).with_name("janitor")
MINUTE = timedelta(minutes=1)


async def start(environment: dict[str, str], *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        str(JANITOR), *arguments, env=environment, stderr=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL
    )


async def finish(process: asyncio.subprocess.Process) -> list[dict[str, Any]]:
    _, output = await process.communicate()
    return [json.loads(line) for line in output.decode().splitlines()]


def summary(lines: list[dict[str, Any]]) -> dict[str, Any]:
    [line] = [line for line in lines if line.get("action") == "janitor_run"]
    return line


async def test_once_does_what_is_due_says_so_and_exits(scene: Scene) -> None:
    await scene.exported(expired_ago=MINUTE)

    process = await start(scene.environment(), "--once")
    lines = await finish(process)

    assert process.returncode == 0
    assert summary(lines)["expire_jobs"] == summary(lines)["delete_files"] == 1
    assert summary(lines)["left"] == 0


async def test_once_exits_1_when_something_is_left(scene: Scene) -> None:
    job_id = await scene.job("expired")
    await scene.file(job_id)

    process = await start(scene.environment(S3_SECRET_KEY="not-the-key"), "--once")
    lines = await finish(process)

    assert process.returncode == 1
    assert summary(lines)["left"] == 1
    [left] = [line for line in lines if line["action"] == "janitor_left"]
    assert left["reason"] == "S3 refused DeleteObject: 403 SignatureDoesNotMatch"


async def test_once_exits_1_without_a_database(scene: Scene) -> None:
    process = await start(scene.environment(DATABASE_URL="postgresql://x:secret@127.0.0.1:1/x"), "--once")
    _, output = await process.communicate()

    assert process.returncode == 1
    assert b"janitor_run_failed" in output
    assert b"secret" not in output


async def test_two_at_once_do_each_thing_once(scene: Scene) -> None:
    for _ in range(20):
        await scene.exported(expired_ago=MINUTE)

    processes = [await start(scene.environment(BATCH_ROWS="3"), "--once") for _ in range(2)]
    outputs = [await finish(process) for process in processes]

    assert [process.returncode for process in processes] == [0, 0]
    assert sorted(summary(lines)["expire_jobs"] for lines in outputs) == [0, 20]
    assert sorted(summary(lines)["delete_files"] for lines in outputs) == [0, 20]
    assert await scene.count("audit_log") == 20
    assert len(await scene.events()) == 40


async def test_a_missing_setting_is_named_and_no_value_is_shown(scene: Scene) -> None:
    environment = scene.environment(S3_ENDPOINT="http://127.0.0.1:1/path-7f3a")
    del environment["DATABASE_URL"]

    process = await start(environment, "--once")
    _, output = await process.communicate()

    assert process.returncode == 2
    assert b"DATABASE_URL: is not set" in output
    assert b"S3_ENDPOINT" in output
    assert b"path-7f3a" not in output


async def next_record(process: asyncio.subprocess.Process, action: str) -> dict[str, Any]:
    assert process.stderr is not None
    async with asyncio.timeout(20):
        while True:
            line = await process.stderr.readline()
            assert line, f"ended before {action}"
            record: dict[str, Any] = json.loads(line)
            if record.get("action") == action:
                return record


async def get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


async def test_the_loop_runs_at_once_and_again_and_stops_on_a_signal(scene: Scene) -> None:
    process = await start(scene.environment(HEALTH_PORT="0", INTERVAL_SECONDS="0.2"))
    try:
        address = (await next_record(process, "janitor_up"))["health"]
        assert (await next_record(process, "janitor_run"))["expire_jobs"] == 0
        job_id, key = await scene.exported(expired_ago=MINUTE)
        while (await next_record(process, "janitor_run"))["delete_files"] == 0:
            pass
        assert await scene.status(job_id) == "expired"
        assert not await scene.exists(key)

        assert await get(f"http://{address}/healthz") == (200, "ok\n")
        assert await get(f"http://{address}/readyz") == (200, "ready\n")
        status, text = await get(f"http://{address}/metrics")
        assert status == 200
        assert 'ticket_export_janitor_items_total{step="delete_files"} 1.0' in text
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            await finish(process)
    assert process.returncode == 0
    assert await scene.count("leases", "lease_until > clock_timestamp()") == 0


async def test_the_loop_outlives_a_database_that_is_down(scene: Scene) -> None:
    dead = scene.environment(DATABASE_URL="postgresql://x:x@127.0.0.1:1/x", HEALTH_PORT="0", INTERVAL_SECONDS="0.2")
    process = await start(dead)
    try:
        address = (await next_record(process, "janitor_up"))["health"]
        for _ in range(2):
            await next_record(process, "janitor_run_failed")
        assert await get(f"http://{address}/healthz") == (200, "ok\n")
        assert (await get(f"http://{address}/readyz"))[0] == 503
        assert 'outcome="error"' in (await get(f"http://{address}/metrics"))[1]
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            await finish(process)
    assert process.returncode == 0


async def test_a_killed_run_is_finished_by_the_next_at_once(scene: Scene) -> None:
    exports = [await scene.exported(expired_ago=MINUTE) for _ in range(30)]
    killed = await start(scene.environment(LEASE_SECONDS="2"), "--once")
    while not await scene.count("files", "deleted_at IS NOT NULL"):
        assert killed.returncode is None
    killed.kill()
    await killed.wait()

    process = await start(scene.environment(LEASE_SECONDS="2"), "--once")
    lines = await finish(process)

    assert process.returncode == 0, lines
    assert await scene.count("files", "deleted_at IS NULL") == 0
    assert [await scene.exists(key) for _, key in exports] == [False] * 30
    assert await scene.count("audit_log") == 30
