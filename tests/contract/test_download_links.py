"""Download links against a real server: what a browser gets, and for how long."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urlsplit

import aiohttp
import pytest
from pydantic import AnyHttpUrl

from contract.conftest import S3Server
from contract.test_object_store import CSV, body_of, soon
from ticket_export.storage.links import DownloadLinks, content_disposition
from ticket_export.storage.object_store import ObjectStore

CONTENT = b"\xef\xbb\xbf" + bytes(range(256)) * 40
MINUTE = timedelta(seconds=60)


@pytest.fixture
async def browser() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def stored(store: ObjectStore, key: str) -> str:
    await store.put(key, body_of(CONTENT), "application/octet-stream", soon())
    return key


def link(s3: S3Server, key: str, *, name: str = "open.csv", expires: timedelta = MINUTE, public: str = "") -> str:
    links = DownloadLinks(s3.settings, AnyHttpUrl(public) if public else None)
    return links.presign(s3.settings.s3_bucket, key, file_name=name, expires=expires)


async def test_a_link_gives_the_file_by_its_name(s3: S3Server, stored: str, browser: aiohttp.ClientSession) -> None:
    for name in ("open.csv", 'Störung "☃".csv'):
        async with browser.get(link(s3, stored, name=name)) as answer:
            assert answer.status == 200
            assert await answer.read() == CONTENT
            assert answer.headers["Content-Disposition"] == content_disposition(name)
            assert answer.headers["Content-Type"].lower().replace(" ", "") == CSV.replace(" ", "")
            assert answer.headers["Cache-Control"] == "no-store"


async def test_a_download_can_be_resumed(s3: S3Server, stored: str, browser: aiohttp.ClientSession) -> None:
    async with browser.get(link(s3, stored), headers={"Range": "bytes=100-"}) as answer:
        assert answer.status == 206
        assert await answer.read() == CONTENT[100:]
        assert answer.headers["Content-Range"] == f"bytes 100-{len(CONTENT) - 1}/{len(CONTENT)}"


async def test_a_link_expires(s3: S3Server, stored: str, browser: aiohttp.ClientSession) -> None:
    short = link(s3, stored, expires=timedelta(seconds=1))
    async with asyncio.timeout(5):
        while True:
            async with browser.get(short) as answer:
                if answer.status != 200:
                    break
            await asyncio.sleep(0.1)
    assert answer.status == 403


async def test_a_link_is_for_one_object_and_for_reading(
    s3: S3Server, stored: str, browser: aiohttp.ClientSession
) -> None:
    good = link(s3, stored)
    async with browser.get(good.replace(stored, f"{stored}2")) as answer:
        assert answer.status == 403
    async with browser.delete(good) as answer:
        assert answer.status == 403
    async with browser.get(good.replace("open.csv", "evil.exe")) as answer:
        assert answer.status == 403
    async with browser.get(good.partition("?")[0]) as answer:
        assert answer.status == 403


async def test_the_public_host_is_part_of_the_link(s3: S3Server, stored: str, browser: aiohttp.ClientSession) -> None:
    public = f"http://localhost:{s3.settings.s3_endpoint.port}"
    made = link(s3, stored, public=public)
    assert urlsplit(made).netloc == urlsplit(public).netloc
    async with browser.get(made) as answer:
        assert await answer.read() == CONTENT
    async with browser.get(made.replace("localhost", "127.0.0.1", 1)) as answer:
        assert answer.status == 403
