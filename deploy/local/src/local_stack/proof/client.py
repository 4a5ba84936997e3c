"""The REST API as any client sees it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from local_stack.errors import StackError

CHUNK_BYTES = 256 * 1024
ENDED = frozenset({"completed", "failed", "cancelled", "expired"})


@dataclass(frozen=True)
class Job:
    """An export as the API answers it; `answer` is the whole JSON object."""

    answer: dict[str, Any]

    @property
    def id(self) -> str:
        """Its id, which is also the key of its events."""
        return str(self.answer["id"])

    @property
    def ended(self) -> bool:
        """Whether its state is final."""
        return self.answer["status"] in ENDED

    @property
    def file(self) -> dict[str, Any]:
        """Name, size and digest of the finished file."""
        return dict(self.answer["file"])

    @property
    def parts(self) -> list[int]:
        """The sizes of the file's parts in bytes, in order."""
        return [int(size) for size in self.answer["parts"]]


class ExportClient:
    """Calls the API as one person."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self._session = session
        self._exports = f"{url}/api/v1/exports"
        self._authorization = {"Authorization": f"Bearer {token}"}

    async def request(self, view_id: str) -> Job:
        """Ask for an export of a view."""
        body = {"view_id": view_id}
        async with self._session.post(self._exports, json=body, headers=self._authorization) as answer:
            return await _job(answer, 202)

    async def look(self, job: Job) -> Job:
        """The job as it is now."""
        async with self._session.get(f"{self._exports}/{job.id}", headers=self._authorization) as answer:
            return await _job(answer, 200)

    async def download(self, job: Job, path: Path) -> str:
        """Save the job's file; its digest, computed from what arrived and the parts' sizes in the job."""
        url = f"{self._exports}/{job.id}/download"
        async with self._session.get(url, headers=self._authorization, allow_redirects=False) as answer:
            await _expect(answer, 303)
            link = answer.headers["Location"]
        digest = PartsDigest(job.parts)
        async with self._session.get(link) as answer:
            await _expect(answer, 200)
            with path.open("wb") as file:
                async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
                    file.write(chunk)
                    digest.update(chunk)
        return str(digest)


class PartsDigest:
    """SHA-256 over the SHA-256s of a stream's parts; bytes beyond the parts count as one more."""

    def __init__(self, sizes: list[int]) -> None:
        self._sizes = list(sizes)
        self._left = self._sizes.pop(0) if self._sizes else None
        self._part = hashlib.sha256()
        self._whole = hashlib.sha256()

    def update(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        while self._left is not None and len(data) >= self._left:
            self._part.update(data[: self._left])
            data = data[self._left :]
            self._end_part()
        self._part.update(data)
        if self._left is None and data:
            self._whole.update(data)
        elif self._left is not None:
            self._left -= len(data)

    def __str__(self) -> str:
        return f"sha256-parts:{self._whole.hexdigest()}"

    def _end_part(self) -> None:
        self._whole.update(self._part.digest())
        self._part = hashlib.sha256()
        self._left = self._sizes.pop(0) if self._sizes else None


async def _job(answer: aiohttp.ClientResponse, status: int) -> Job:
    await _expect(answer, status)
    return Job(await answer.json())


async def _expect(answer: aiohttp.ClientResponse, status: int) -> None:
    if answer.status != status:
        raise StackError(f"{answer.method} {answer.url.path} answered {answer.status}: {(await answer.text())[:500]}")
