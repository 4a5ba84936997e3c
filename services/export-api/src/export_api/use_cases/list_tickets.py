"""A page of a view's tickets as they are now, with the same conditions that an export of the view would have.

The page is read as of the snapshot that an export requested at this moment would get.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from export_api.errors import UnknownPersonError, ViewNotFoundError
from export_api.queries.source import Moment, Source, SourceReading
from export_api.use_cases.capture import CapturedView, resolve_view
from export_api.use_cases.list_views import ListedView, views_of
from ticket_export.permissions import Person
from ticket_export.snapshot import Snapshot
from ticket_export.views.columns import Column
from ticket_export.views.compile import CompiledView, Key, Page, compile_view

PAGE_ROWS = 25


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: after ``older_than``, or before ``newer_than``; neither means the newest tickets."""

    older_than: Key | None = None
    newer_than: Key | None = None


@dataclass(frozen=True, slots=True)
class TicketPage:
    """What the ticket list shows; ``newer`` and ``older`` lead to the neighbouring pages, None where there is none."""

    person: Person
    views: list[ListedView]
    view: CapturedView
    columns: tuple[Column, ...]
    rows: list[tuple[Any, ...]]
    total: int
    as_of: datetime
    newer: Key | None
    older: Key | None


async def list_tickets(source: Source, *, username: str, view_id: str, place: Place) -> TicketPage:
    """Read a page; raise UnknownPersonError, ViewNotFoundError, or InvalidRequestError for an unreadable saved view."""
    async with source.reading() as reading:
        moment = await reading.moment()
        person = await reading.person(username)
        if person is None:
            raise UnknownPersonError
        view = await resolve_view(reading, person.id, view_id)
        if view is None:
            raise ViewNotFoundError
        compiled = _compile(source, view, moment)
        total = (await reading.fetch_compiled(compiled.count()))[0]["count"]
        records, newer, older = await _read_page(reading, compiled, place)
        views = await views_of(reading, person.id)
    rows = [tuple(record[column.name] for column in compiled.columns) for record in records]
    return TicketPage(person, views, view, compiled.columns, rows, total, moment.requested_at, newer, older)


def _compile(source: Source, view: CapturedView, moment: Moment) -> CompiledView:
    return compile_view(
        view.payload,
        snapshot=Snapshot.parse(moment.snapshot),
        requested_at=moment.requested_at,
        source_schema=source.schema,
        bookkeeping_schema=source.bookkeeping_schema,
    )


async def _read_page(
    reading: SourceReading, compiled: CompiledView, place: Place
) -> tuple[Sequence[asyncpg.Record], Key | None, Key | None]:
    """Return the rows, newest first, and the keys of the neighbouring pages."""
    if place.newer_than is not None:
        # One more than the page for the key itself, with which the stretch begins, and one to see beyond.
        statement = compiled.listing(Page(lower=place.newer_than), PAGE_ROWS + 2, newest_first=False)
        found = await reading.fetch_compiled(statement)
        newer_rows = [record for record in found if _key(record) != place.newer_than]
        page = newer_rows[:PAGE_ROWS][::-1]
        has_newer, has_older = len(newer_rows) > PAGE_ROWS, True
    else:
        found = await reading.fetch_compiled(compiled.listing(Page(upper=place.older_than), PAGE_ROWS + 1))
        page = found[:PAGE_ROWS]
        has_newer, has_older = place.older_than is not None, len(found) > PAGE_ROWS
    if not page:
        return page, None, None
    return page, _key(page[0]) if has_newer else None, _key(page[-1]) if has_older else None


def _key(record: asyncpg.Record) -> Key:
    return Key(record["key_time"], record["key_id"])
