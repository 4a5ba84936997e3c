"""export-worker as a process: what stops its start, what does not, and how it ends."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from support.assertions import assert_exact
from support.exports import insert_job
from support.installation import Installation
from support.services import BIN, fleet, free_port


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DATABASE_URL", None, "DATABASE_URL: is not set"),
        ("SOURCE_DATABASE_URL", "mysql://x", "SOURCE_DATABASE_URL:"),
        ("KAFKA_BOOTSTRAP_SERVERS", "nonsense", "KAFKA_BOOTSTRAP_SERVERS:"),
        ("S3_ENDPOINT", "http://127.0.0.1:1/path", "S3_ENDPOINT:"),
        ("S3_SECRET_KEY", None, "S3_SECRET_KEY: is not set"),
        ("WORKER_SLOTS", "0", "WORKER_SLOTS:"),
    ],
)
def test_a_wrong_setting_is_named_and_ends_the_start(
    installation: Installation, name: str, value: str | None, said: str
) -> None:
    env = {**installation.env, name: value}
    given = {key: content for key, content in env.items() if content is not None}
    ended = subprocess.run(
        [BIN / "export-worker"],
        env={"PATH": os.environ["PATH"], **given},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert installation.servers.credentials.app_password not in ended.stderr


async def test_it_waits_for_a_database_that_is_away_and_then_works(installation: Installation, tmp_path: Path) -> None:
    requested = await insert_job(installation, "overdue")
    postgres = installation.servers.postgres
    await asyncio.to_thread(postgres.stop)
    async with fleet(installation, tmp_path) as services:
        starting = asyncio.create_task(services.worker())
        log = tmp_path / "export-worker-1.log"
        try:
            async with asyncio.timeout(30):
                while not (log.exists() and "database_wait" in log.read_text()):
                    await asyncio.sleep(0.05)
        finally:
            await asyncio.to_thread(postgres.start)
        worker = await starting
        await assert_exact(installation, requested)
        assert await worker.stop() == 0


async def test_it_ends_on_sigterm_even_while_it_waits(installation: Installation, tmp_path: Path) -> None:
    url = f"postgresql://nobody:x@127.0.0.1:{free_port()}/none"
    log = tmp_path / "worker.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            BIN / "export-worker", env={**os.environ, **installation.env, "DATABASE_URL": url}, stderr=output
        )
    try:
        async with asyncio.timeout(30):
            while "database_wait" not in log.read_text():
                await asyncio.sleep(0.05)
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 10) == 0
    finally:
        if process.returncode is None:
            process.kill()


async def test_a_killed_workers_export_is_finished_by_another(installation: Installation, tmp_path: Path) -> None:
    host = await installation.connect(installation.helpdesk_url)
    owner = await installation.connect()
    requested = await insert_job(installation, "all")
    async with fleet(installation, tmp_path) as services:
        async with host.transaction():
            await host.execute("LOCK TABLE helpdesk.tickets IN ACCESS EXCLUSIVE MODE")
            first = await services.worker()
            async with asyncio.timeout(20):
                while not await owner.fetchval("SELECT count(*) FROM exports.tasks WHERE status = 'leased'"):
                    await asyncio.sleep(0.05)
            await first.kill()
        await services.worker()
        await assert_exact(installation, requested)
    await host.close()
    await owner.close()
