"""What really happened next: the log's later events, applied to the helpdesk while somebody exports it."""

import asyncio
from dataclasses import astuple, fields
from types import TracebackType
from typing import Self

import asyncpg

from local_stack.demo.incident_log import Ticket, read_log
from ticket_export.views.literals import identifier

CHANGES_PER_SECOND = 200.0


class ReplayOverError(Exception):
    """The replay ended before it had made as many changes as were waited for."""


class Replay:
    """Applies the later events as the host application, one transaction each, in their order, at a steady rate.

    Starts on entering; ends when the log does (all tickets are closed then), on ``stop()`` or on leaving, where an
    error that ended it is raised. Tickets must stand at the cut (``prepare_helpdesk``).
    """

    def __init__(self, helpdesk_url: str, schema: str, *, changes_per_second: float = CHANGES_PER_SECOND) -> None:
        self._url = helpdesk_url
        self._schema = schema
        self._pause_seconds = 1 / changes_per_second
        self._events = read_log().after_cut()
        self._stopping = asyncio.Event()
        self._progress = asyncio.Condition()
        self._changes = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def changes(self) -> int:
        """Transactions committed so far."""
        return self._changes

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._task is not None and self._task.done()

    async def __aenter__(self) -> Self:
        connection = await asyncpg.connect(self._url)
        self._task = asyncio.create_task(self._run(connection), name="replay")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def first_change(self) -> None:
        """Wait until the first change is committed; raise ReplayOverError when none will be."""
        await self.reached(1)

    async def reached(self, changes: int) -> None:
        """Wait until so many changes are committed; raise ReplayOverError when that will not happen."""
        async with self._progress:
            await self._progress.wait_for(lambda: self._changes >= changes or self.done or self._stopping.is_set())
        if self._changes < changes:
            raise ReplayOverError(f"the replay ended after {self._changes} changes")

    async def finished(self) -> None:
        """Wait until the log is exhausted; raise what ended it otherwise."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def stop(self) -> None:
        """End after the change under way; raise the error that ended it before, if one did."""
        self._stopping.set()
        await self.finished()

    async def _run(self, connection: asyncpg.Connection) -> None:
        try:
            await self._apply_all(connection)
        finally:
            await connection.close()
            self._stopping.set()
            async with self._progress:
                self._progress.notify_all()

    async def _apply_all(self, connection: asyncpg.Connection) -> None:
        update = await connection.prepare(_update(self._schema))
        due = asyncio.get_running_loop().time()
        for event in self._events:
            due += self._pause_seconds
            if await self._stopped_before(due):
                return
            # One statement, no transaction block: it is committed when it returns. No row: somebody deleted the ticket.
            if await update.fetchval(*astuple(event)) is not None:
                async with self._progress:
                    self._changes += 1
                    self._progress.notify_all()

    async def _stopped_before(self, due: float) -> bool:
        """Wait until it is time for the next change; tell whether to stop instead."""
        try:
            async with asyncio.timeout_at(due):
                return await self._stopping.wait()
        except TimeoutError:
            return self._stopping.is_set()


def _update(schema: str) -> str:
    key, *columns = (field.name for field in fields(Ticket))
    changes = ", ".join(f"{identifier(name)} = ${place}" for place, name in enumerate(columns, start=2))
    return f"UPDATE {identifier(schema)}.tickets SET {changes} WHERE {key} = $1 RETURNING {key}"  # noqa: S608
