"""A TCP proxy that can refuse, stall, go silent in one direction, or cut a connection after so many bytes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal

LOOPBACK = "127.0.0.1"
CHUNK = 64 * 1024

Mode = Literal["forward", "stall", "half_open"]


class TcpProxy:
    """Forwards to one port of this machine until it is told otherwise."""

    def __init__(self, target: int, port: int = 0) -> None:
        self.port = port
        self._target = target
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._mode: Mode = "forward"
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._cut_after: int | None = None
        self.cuts = 0

    async def open(self) -> None:
        """Listen, on the same port as before if there was one."""
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Close the port and every connection, as a server does that is gone."""
        if self._server is not None:
            self._server.close()
        self.cut()
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None

    def cut(self) -> None:
        """Break every connection; new ones are taken."""
        for connection in list(self._connections):
            connection.cancel()

    def stall(self) -> None:
        """Take bytes and connections, and pass nothing on in either direction."""
        self._set("stall")

    def half_open(self) -> None:
        """Pass on what clients send; what the server answers never arrives."""
        self._set("half_open")

    def forward(self) -> None:
        """Be a cable again; what was held back flows."""
        self._set("forward")

    def cut_after(self, size: int) -> None:
        """Break the connection that brings the clients this many bytes from the server, counted from now; once."""
        self._cut_after = size

    def _set(self, mode: Mode) -> None:
        self._mode = mode
        if mode == "forward":
            self._flowing.set()
        else:
            self._flowing.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        current = asyncio.current_task()
        assert current is not None
        self._connections.add(current)
        server: asyncio.StreamWriter | None = None
        try:
            if self._mode == "stall":
                await self._flowing.wait()
            answers, server = await asyncio.open_connection(LOOPBACK, self._target)
            asking = asyncio.ensure_future(self._pump(reader, server, answering=False))
            answering = asyncio.ensure_future(self._pump(answers, writer, answering=True))
            try:
                await asyncio.wait({asking, answering}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                asking.cancel()
                answering.cancel()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(current)
            for end in (writer, server):
                if end is not None:
                    end.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answering: bool) -> None:
        carried = 0
        with suppress(OSError):
            while data := await source.read(CHUNK):
                if self._mode == "stall" or (self._mode == "half_open" and answering):
                    await self._flowing.wait()
                carried += len(data)
                if answering and self._cut_after is not None and carried >= self._cut_after:
                    self._cut_after = None
                    self.cuts += 1
                    sink.write(data[: len(data) // 2])
                    await sink.drain()
                    return
                sink.write(data)
                await sink.drain()


@asynccontextmanager
async def tcp_proxy(target: int, port: int = 0) -> AsyncIterator[TcpProxy]:
    """Run a proxy for as long as the block runs."""
    proxy = TcpProxy(target, port)
    await proxy.open()
    try:
        yield proxy
    finally:
        proxy.forward()
        await proxy.refuse()
