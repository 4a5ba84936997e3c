"""export-api on a free port of this process, and a client that reads its answers."""

import asyncio
import io
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg
import uvicorn

from export_api.auth.demo_key import load_or_create
from export_api.auth.demo_signer import DemoSigner
from export_api.main import create_server
from export_api.settings import ApiSettings
from support.installation import Installation
from ticket_export.storage.signing import open_client

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def faults(self) -> dict[str, str]:
        """What a 422 names: place → detail."""
        return {next(v for k, v in fault.items() if k != "detail"): fault["detail"] for fault in self.json["errors"]}


@dataclass(frozen=True)
class Api:
    """A running export-api."""

    url: str
    settings: ApiSettings
    installation: Installation
    http: aiohttp.ClientSession
    database: "asyncpg.Connection[asyncpg.Record]"

    def token(self, username: str, **more: Any) -> str:
        assert self.settings.demo_signing_key_file is not None
        key = load_or_create(self.settings.demo_signing_key_file)
        return DemoSigner(key, self.settings.issuer, self.settings.jwt_audience).token(username, **more)

    async def call(
        self, method: str, path: str, *, user: str | None = None, headers: Mapping[str, str] | None = None, **more: Any
    ) -> Answer:
        identity = {"Authorization": f"Bearer {self.token(user)}"} if user else {}
        sent = {**identity, **(headers or {})}
        async with self.http.request(method, self.url + path, headers=sent, allow_redirects=False, **more) as answer:
            return Answer(answer.status, answer.headers, await answer.text())

    async def get(self, path: str, user: str | None = None, **more: Any) -> Answer:
        return await self.call("GET", path, user=user, **more)

    async def request_export(self, user: str | None = "cara", body: Any = None, **more: Any) -> Answer:
        wanted = body if body is not None else {"view_id": "open"}
        return await self.call("POST", "/api/v1/exports", user=user, json=wanted, **more)

    async def new_job(self, user: str = "cara", view_id: str = "open") -> UUID:
        """Request an export and return its id."""
        answer = await self.request_export(user, {"view_id": view_id})
        assert answer.status == 202, answer.text
        return UUID(answer.json["id"])

    async def complete(self, job_id: UUID, *, life: timedelta = timedelta(hours=72), content: bytes = b"a,b\n") -> None:
        """Let a job be completed, its file in the bucket, as a worker would."""
        key = f"exports/{job_id}/open tickets.csv"
        client = open_client(self.settings)
        await asyncio.to_thread(client.put_object, self.settings.s3_bucket, key, io.BytesIO(content), len(content))
        await self.database.execute(
            "INSERT INTO exports.files (id, job_id, bucket, object_key, file_name, content_type, size_bytes, digest,"
            " part_sizes) VALUES ($1, $1, $2, $3, 'open tickets – Björn.csv', 'text/csv', $4, 'sha256-parts:ab', $5)",
            job_id,
            self.settings.s3_bucket,
            key,
            len(content),
            [len(content)],
        )
        await self.database.execute(
            "UPDATE exports.jobs SET status = 'completed', stage = NULL, rows_total = 1, rows_done = 1, bytes_done = $2,"
            " completed_at = clock_timestamp(), expires_at = clock_timestamp() + $3::interval WHERE id = $1",
            job_id,
            len(content),
            life,
        )

    async def count(self, table: str) -> int:
        count: int = await self.database.fetchval(f"SELECT count(*) FROM exports.{table}")
        return count

    async def audited(self, action: str) -> list[asyncpg.Record]:
        return await self.database.fetch("SELECT * FROM exports.audit_log WHERE action = $1 ORDER BY id", action)


class _Server(uvicorn.Server):
    """Tells when it accepts connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@asynccontextmanager
async def serving(settings: ApiSettings) -> AsyncIterator[str]:
    """Serve in the background; yields the URL."""
    server = _Server(create_server(settings).config)
    task = asyncio.create_task(server.serve())
    ready = asyncio.create_task(server.ready.wait())
    try:
        await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        assert ready.done(), "the server ended while it started"
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        ready.cancel()
        server.should_exit = True
        await task


@asynccontextmanager
async def running_api(installation: Installation, settings: ApiSettings) -> AsyncIterator[Api]:
    """Run export-api with a client and a connection of the database's owner."""
    database = await installation.connect()
    async with aiohttp.ClientSession() as http, serving(settings) as url:
        yield Api(url, settings, installation, http, database)
    await database.close()
