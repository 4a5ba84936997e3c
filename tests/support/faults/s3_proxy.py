"""An HTTP proxy before S3 that counts what is stored and can answer for the server, be slow, or lose an answer.

The host is part of a presigned URL's signature: the clients sign for this proxy's address, which is passed on.
"""

import asyncio
import io
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

import aiohttp
from aiohttp import web
from yarl import URL

NOT_FOUND = 404
LARGEST_BODY = 64 * 1024 * 1024
HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "content-encoding", "content-length"}


@dataclass(frozen=True)
class Call:
    """One call as S3 names it."""

    name: str
    key: str
    part: int
    upload_id: str


def call_of(method: str, target: str) -> Call:
    """Tell what is asked for."""
    url = urlsplit(target)
    query = parse_qs(url.query, keep_blank_values=True)
    upload_id = query.get("uploadId", [""])[0]
    key = unquote(url.path).lstrip("/").partition("/")[2]
    if "uploads" in query:
        name = "create" if method == "POST" else "list"
    elif upload_id:
        name = {"PUT": "part", "POST": "complete", "DELETE": "abort"}[method]
    else:
        name = method.lower()
    return Call(name, key, int(query.get("partNumber", ["0"])[0]), upload_id)


@dataclass
class S3Proxy:
    """What it does is changed by assignment; each predicate sees every call."""

    target: str
    url: str = ""
    http: aiohttp.ClientSession | None = None
    # Parts that S3 has confirmed, by (key, part number).
    stored: Counter[tuple[str, int]] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    keys: set[str] = field(default_factory=set)
    # The status to answer a call with instead of asking the server; None lets it pass.
    refusal: Callable[[Call], int | None] = lambda _call: None
    # Calls whose answer never arrives though they were carried out.
    loses: Callable[[Call], bool] = lambda _call: False
    # Calls that are held until the event is set.
    holds: Callable[[Call], asyncio.Event | None] = lambda _call: None
    slow_seconds: float = 0.0
    seen: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def until(self, reached: Callable[["S3Proxy"], bool], seconds: float = 60) -> None:
        """Wait until the calls so far satisfy this."""
        async with asyncio.timeout(seconds), self.seen:
            await self.seen.wait_for(lambda: reached(self))

    async def on_call(self, request: web.Request) -> web.StreamResponse:
        """Carry one call, or not."""
        call = call_of(request.method, request.raw_path)
        body = await request.read()
        async with self.seen:
            self.calls[call.name] += 1
            self.keys.add(call.key)
            self.seen.notify_all()
        if (gate := self.holds(call)) is not None:
            await gate.wait()
        if self.slow_seconds:
            await asyncio.sleep(self.slow_seconds)
        if (status := self.refusal(call)) is not None:
            code = "NoSuchUpload" if status == NOT_FOUND else "Provoked"
            return web.Response(status=status, text=f"<Error><Code>{code}</Code></Error>")
        answer = await self._carry(request, body)
        if call.name == "part" and answer.status == 200:
            self.stored[call.key, call.part] += 1
            async with self.seen:
                self.seen.notify_all()
        if self.loses(call):
            assert request.transport is not None
            request.transport.abort()
        return answer

    async def _carry(self, request: web.Request, body: bytes) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        url = URL(self.target + request.raw_path, encoded=True)
        data = io.BytesIO(body) if body else None
        assert self.http is not None
        async with self.http.request(request.method, url, headers=headers, data=data, allow_redirects=False) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
            if request.method == "HEAD":
                kept["Content-Length"] = answer.headers.get("Content-Length", "0")
            return web.Response(status=answer.status, headers=kept, body=await answer.read())


@asynccontextmanager
async def s3_proxy(target: str) -> AsyncIterator[S3Proxy]:
    """Run a proxy before the S3 server at this address."""
    proxy = S3Proxy(target)
    app = web.Application(client_max_size=LARGEST_BODY)
    app.router.add_route("*", "/{path:.*}", proxy.on_call)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        proxy.url = "http://{}:{}".format(*runner.addresses[0][:2])
        async with aiohttp.ClientSession(auto_decompress=False) as proxy.http:
            yield proxy
    finally:
        await runner.cleanup()
