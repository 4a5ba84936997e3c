"""Views compiled as of now, and what COPY makes of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import asyncpg

from export_worker.source import Source
from ticket_export.snapshot import Snapshot
from ticket_export.views.columns import DEFAULT_COLUMNS
from ticket_export.views.compile import CompiledView, Page, compile_view
from ticket_export.views.payload import NOBODY, ViewPayload

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@dataclass(frozen=True)
class Moment:
    """A snapshot, and the instant of the request."""

    snapshot: str
    at: datetime

    @property
    def parsed(self) -> Snapshot:
        return Snapshot.parse(self.snapshot)

    def view(self, scope: str = "all", *columns: str) -> CompiledView:
        payload = ViewPayload(scope=scope, columns=columns or DEFAULT_COLUMNS, requester_team_ids=(NOBODY,))
        return compile_view(
            payload,
            snapshot=self.parsed,
            requested_at=self.at,
            source_schema="helpdesk",
            bookkeeping_schema="export_source",
        )


async def now(connection: Connection) -> Moment:
    row = await connection.fetchrow("SELECT pg_current_snapshot()::text AS snapshot, clock_timestamp() AS at")
    assert row is not None
    return Moment(row["snapshot"], row["at"])


async def copy(source: Source, view: CompiledView, page: Page | None = None) -> bytes:
    """Return a page's bytes as COPY gives them, checked against the count that it reports."""
    content = bytearray()

    async def take(chunk: bytes) -> None:
        content.extend(chunk)

    await source.copy(view.copy().for_page(page or Page()), view.copy_options(), take)
    return bytes(content)


def line(*cells: str | None) -> bytes:
    """Return a line of CSV as it must be: every field quoted, but NULL, which is empty."""
    quoted = ("" if cell is None else '"' + cell.replace('"', '""') + '"' for cell in cells)
    return (",".join(quoted) + "\n").encode()
