"""export-api as a process: what it says and how it exits."""

import asyncio
import os
import re
import signal
import stat
import sysconfig
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from support.installation import Installation

PROGRAM = Path(sysconfig.get_path("scripts")) / "export-api"
WAIT_SECONDS = 30


@pytest.fixture
def environment(installation: Installation, tmp_path: Path) -> dict[str, str]:
    key = {"DEMO_SIGNING_KEY_FILE": str(tmp_path / "keys" / "demo.json")}
    return {**installation.env, **key, "AUTH_MODE": "demo", "PORT": "0", "PATH": os.defpath}


def modes_beside(file: str) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in Path(file).parent.iterdir()}


async def finished(environment: Mapping[str, str]) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(PROGRAM, env=environment, stdout=PIPE, stderr=PIPE)
    _, errors = await asyncio.wait_for(process.communicate(), WAIT_SECONDS)
    return process.returncode, errors.decode()


@asynccontextmanager
async def serving(environment: Mapping[str, str]) -> AsyncIterator[tuple[Process, str]]:
    process = await asyncio.create_subprocess_exec(PROGRAM, env=environment, stderr=PIPE)
    assert process.stderr is not None
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while not (found := re.search(rb"running on (http://[0-9.:]+)", await process.stderr.readline())):
                pass
        yield process, found[1].decode()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_a_missing_setting_stops_it_with_the_variables_name(environment: dict[str, str]) -> None:
    del environment["S3_BUCKET"]
    status, errors = await finished({**environment, "DATABASE_URL": "mysql://user:hunter2@host/db"})

    assert (status, "Traceback" in errors, "hunter2" in errors) == (2, False, False), errors
    assert "S3_BUCKET: is not set" in errors
    assert "DATABASE_URL" in errors


async def test_a_key_file_that_holds_no_key_is_named(environment: dict[str, str]) -> None:
    status, errors = await finished({**environment, "DEMO_SIGNING_KEY_FILE": os.devnull})

    assert (status, "DEMO_SIGNING_KEY_FILE" in errors, "Traceback" in errors) == (2, True, False), errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_makes_its_key_serves_and_stops_cleanly(environment: dict[str, str], number: signal.Signals) -> None:
    async with serving(environment) as (process, url):
        assert modes_beside(environment["DEMO_SIGNING_KEY_FILE"]) == {"demo.json": 0o600}
        async with aiohttp.ClientSession() as http, http.get(f"{url}/readyz") as answer:
            assert answer.status == 200
        process.send_signal(number)
        assert await asyncio.wait_for(process.wait(), WAIT_SECONDS) == 0


async def test_a_port_that_is_taken_ends_it_with_an_error(environment: dict[str, str]) -> None:
    async with serving(environment) as (_, url):
        status, errors = await finished({**environment, "PORT": url.rpartition(":")[2]})

    assert status not in {0, None}
    assert "Traceback" not in errors


async def test_the_demos_token_command_prints_a_token_that_counts(environment: dict[str, str]) -> None:
    async with serving(environment) as (_, url):
        python = Path(sysconfig.get_path("scripts")) / "python"
        command = await asyncio.create_subprocess_exec(
            python, "-m", "export_api.demo_token", "ada", env=environment, stdout=PIPE
        )
        token = (await command.communicate())[0].decode().strip()
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(headers=headers) as http, http.get(f"{url}/api/v1/views") as answer:
            assert answer.status == 200
