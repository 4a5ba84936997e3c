"""A random helpdesk as it was at a snapshot, in a database that has gone on since."""

import asyncio
import csv
import io
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from export_worker.source import Source, open_source
from support.evaluator import Evaluator, Outcome
from support.evaluator.strings import ROOT
from support.installation import Installation
from support.random_helpdesk.rows import Rows, random_rows, unsettled
from support.random_helpdesk.writing import Connection, loosen, mixed, read_all, write
from ticket_export.snapshot import Snapshot
from ticket_export.views.compile import CompiledView, Page, compile_view
from ticket_export.views.payload import load_payload

_THEN = 2


@dataclass(frozen=True)
class Written:
    """What a compiled view gave: the header and the rows of the file, parsed, and its count."""

    header: list[str]
    rows: list[list[str]]
    count: int


class Past:
    """The compiler's answers and the evaluator's about the same snapshot."""

    def __init__(self, runner: asyncio.Runner, owner: Connection, source: Source, snapshot: str, tables: Rows) -> None:
        self._runner = runner
        self._owner = owner
        self._source = source
        self.snapshot = snapshot
        self.tables = tables
        self.evaluator = Evaluator(tables, _Strings(runner, owner))

    def expected(self, payload: dict[str, Any], requested_at: datetime) -> Outcome:
        """What the evaluator says."""
        return self.evaluator.evaluate(payload, requested_at)

    def written(self, payload: dict[str, Any], requested_at: datetime) -> Written:
        """What PostgreSQL makes of the compiled statements."""
        return self._runner.run(self._write(self._compiled(payload, requested_at), payload))

    def listed(self, payload: dict[str, Any], requested_at: datetime, limit: int) -> tuple[list[int], list[int]]:
        """The ids of the list on screen, a page after the other, and then page by page back from its end.

        The payload's columns must have the id.
        """
        view = self._compiled(payload, requested_at)
        return self._runner.run(self._turn_pages(view, f"c{payload['columns'].index('id')}", limit))

    def _compiled(self, payload: dict[str, Any], requested_at: datetime) -> CompiledView:
        return compile_view(
            load_payload(json.dumps(payload)),
            snapshot=Snapshot.parse(self.snapshot),
            requested_at=requested_at,
            source_schema="helpdesk",
            bookkeeping_schema="export_source",
        )

    async def _write(self, view: CompiledView, payload: dict[str, Any]) -> Written:
        content = bytearray(view.header.encode())

        async def take(chunk: bytes) -> None:
            content.extend(chunk)

        await self._source.copy(view.copy().for_page(Page()), view.copy_options(), take)
        text = content.decode("utf-8-sig" if payload.get("profile") != "machine" else "utf-8")
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=payload.get("delimiter", ","), strict=True)
        # A line of one cell without a value is empty.
        header, *rows = (line or [""] for line in reader)
        return Written(header, rows, await self._owner.fetchval(view.count()))

    async def _turn_pages(self, view: CompiledView, cell: str, limit: int) -> tuple[list[int], list[int]]:
        page = await self._owner.fetch(view.listing(limit))
        forward = list(page)
        while len(page) == limit:
            page = await self._owner.fetch(view.listing(limit, after=page[-1]["place"]))
            forward += page
        page = forward[-1:]
        backward = list(page)
        while page:
            page = await self._owner.fetch(view.listing(limit, before=page[-1]["place"]))
            backward += page
        return [row[cell] for row in forward], [row[cell] for row in backward]


@dataclass(frozen=True)
class _Strings:
    """The evaluator's two questions, each as one statement."""

    runner: asyncio.Runner
    owner: Connection
    asked: list[int] = field(default_factory=list)

    def lower(self, texts: list[str]) -> list[str]:
        return self._ask(
            f"SELECT lower(t COLLATE {ROOT}) FROM unnest($1::text[]) WITH ORDINALITY u (t, n) ORDER BY n", texts
        )

    def sort(self, texts: list[str]) -> list[str]:
        return self._ask(f"SELECT t FROM unnest($1::text[]) u (t) ORDER BY t COLLATE {ROOT}", texts)

    def _ask(self, question: str, texts: list[str]) -> list[str]:
        return [row[0] for row in self.runner.run(self.owner.fetch(question, texts))]


@contextmanager
def random_past(installation: Installation) -> Iterator[Past]:
    """Lay out the helpdesk, take a snapshot, let the helpdesk go on."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            owner, snapshot, tables = runner.run(_lay_out(installation, stack))
            url = SecretStr(installation.source_reader_url)
            opened = open_source(url, bookkeeping_schema="export_source", connections=1)
            source = runner.run(stack.enter_async_context(opened))
            yield Past(runner, owner, source, snapshot, tables)
        finally:
            runner.run(stack.aclose())


async def _lay_out(installation: Installation, stack: AsyncExitStack) -> tuple[Connection, str, Rows]:
    async def connect(url: str) -> Connection:
        connection = await installation.connect(url)
        stack.push_async_callback(connection.close)
        return connection

    owner = await connect(installation.admin_url)
    host, slow = await connect(installation.helpdesk_url), await connect(installation.helpdesk_url)
    await loosen(owner)
    before, then = unsettled(random_rows(1), 1), random_rows(_THEN)
    during = mixed(3, then, unsettled(random_rows(3), 3))
    after = mixed(4, during, unsettled(random_rows(4), 4))
    await write(host, {}, before)
    await write(host, before, then)
    async with slow.transaction():
        # Running when the snapshot is taken, committed before anything is read.
        await write(slow, then, during)
        async with host.transaction(isolation="repeatable_read", readonly=True):
            snapshot = str(await host.fetchval("SELECT pg_current_snapshot()::text"))
            tables = await read_all(host)
    await write(host, during, after)
    await owner.execute("ANALYZE")
    return owner, snapshot, tables
