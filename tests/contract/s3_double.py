"""Servers that answer like an S3 in trouble: as scripted, or not at all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from ticket_export.settings import S3Settings


def settings_for(port: int) -> S3Settings:
    return S3Settings.model_validate(
        {
            "s3_endpoint": f"http://127.0.0.1:{port}",
            "s3_access_key": "access",
            "s3_secret_key": "very-secret",
            "s3_bucket": "contract",
        }
    )


@dataclass
class Troubled:
    """A server's port and what it has seen."""

    port: int
    requests: list[bytes] = field(default_factory=list)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def settings(self) -> S3Settings:
        return settings_for(self.port)


@asynccontextmanager
async def listening(answer: bytes | None, *, after_seconds: float = 0.0) -> AsyncIterator[Troubled]:
    """Answer each request with these bytes and hang up; None stalls: nothing is answered, ever."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            seen.requests.append(head)
            if answer is not None:
                await reader.readexactly(_length(head))
                await asyncio.sleep(after_seconds)
                writer.write(answer)
                await writer.drain()
            elif not await _silence(reader):
                seen.hung_up.set()
        except (asyncio.IncompleteReadError, ConnectionError):
            seen.hung_up.set()
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    seen = Troubled(server.sockets[0].getsockname()[1])
    async with server:
        yield seen


async def _silence(reader: asyncio.StreamReader) -> bytes:
    """Read until the client hangs up."""
    while await reader.read(65_536):
        pass
    return b""


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def response(status: int, body: str = "", **headers: str) -> bytes:
    """Return an HTTP answer."""
    lines = [
        f"HTTP/1.1 {status} Answer",
        f"Content-Length: {len(body.encode())}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join([*lines, "", body]).encode()


def error(code: str) -> str:
    """Return S3's error document."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>no</Message></Error>'
