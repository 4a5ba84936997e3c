"""A client of the REST API, as another team would write it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

ENDED = {"completed", "failed", "cancelled", "expired"}


@dataclass(frozen=True)
class Client:
    """Calls as one person."""

    http: aiohttp.ClientSession
    url: str

    async def request_export(self, view_id: str = "all", **more: Any) -> dict[str, Any]:
        async with self.http.post(f"{self.url}/api/v1/exports", json={"view_id": view_id, **more}) as answer:
            assert answer.status == 202, await answer.text()
            job: dict[str, Any] = await answer.json()
            assert answer.headers["Location"].endswith(job["id"])
            return job

    async def job(self, job_id: str) -> dict[str, Any]:
        async with self.http.get(f"{self.url}/api/v1/exports/{job_id}") as answer:
            assert answer.status == 200, await answer.text()
            found: dict[str, Any] = await answer.json()
            return found

    async def ended(self, job_id: str, seconds: float = 60) -> dict[str, Any]:
        """Poll until the job has ended."""
        async with asyncio.timeout(seconds):
            while (job := await self.job(job_id))["status"] not in ENDED:
                await asyncio.sleep(0.1)
        return job

    async def download(self, job_id: str) -> bytes:
        """Fetch the file by the link that the API issues."""
        path = f"{self.url}/api/v1/exports/{job_id}/download"
        async with self.http.get(path, allow_redirects=False) as answer:
            assert answer.status == 303, await answer.text()
            link = answer.headers["Location"]
        async with aiohttp.ClientSession() as anonymous, anonymous.get(link) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.read()


@asynccontextmanager
async def client(url: str, token: str) -> AsyncIterator[Client]:
    """Open a session with a bearer token."""
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as http:
        yield Client(http, url)
