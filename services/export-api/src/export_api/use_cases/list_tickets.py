"""A page of a view's tickets as they are now, with the same conditions that an export of the view would have.

The page is read in one transaction, whose snapshot is what an export requested at this moment would get.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from export_api.errors import Fault, InvalidRequestError, UnknownPersonError
from export_api.queries.source import Source, SourceReading
from export_api.use_cases.list_views import ListedView, views_of
from export_api.use_cases.resolve_view import AskedView, CapturedView, resolve_view
from ticket_export.permissions import Person
from ticket_export.views.columns import Column
from ticket_export.views.compile import CompiledView

PAGE_ROWS = 25


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: ``after`` a ticket's place in the order, or ``before`` one; neither means at the start."""

    after: Sequence[str] | None = None
    before: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class TicketPage:
    """What the ticket list shows; ``earlier`` and ``later`` are the places next to which the neighbouring pages lie, if any."""

    person: Person
    views: list[ListedView]
    view: CapturedView
    columns: tuple[Column, ...]
    rows: list[tuple[Any, ...]]
    total: int
    as_of: datetime
    earlier: Sequence[str] | None
    later: Sequence[str] | None


async def list_tickets(source: Source, *, username: str, asked: AskedView, place: Place) -> TicketPage:
    """Read a page; raise UnknownPersonError, ViewNotFoundError, or InvalidRequestError as a request would."""
    async with source.reading() as reading:
        moment = await reading.moment()
        person = await reading.person(username)
        if person is None:
            raise UnknownPersonError
        view = await resolve_view(reading, person, asked, moment.requested_at)
        compiled = view.compiled(source, moment.requested_at)
        total = (await reading.fetch_compiled(compiled.count()))[0]["count"]
        records, earlier, later = await _read_page(reading, compiled, place)
        views = await views_of(reading, person.id)
    rows = [tuple(record[f"c{number}"] for number in range(len(compiled.columns))) for record in records]
    return TicketPage(person, views, view, compiled.columns, rows, total, moment.requested_at, earlier, later)


async def _read_page(
    reading: SourceReading, compiled: CompiledView, place: Place
) -> tuple[Sequence[asyncpg.Record], Sequence[str] | None, Sequence[str] | None]:
    """Return the rows in order, and the places next to which the neighbouring pages lie."""
    # One more than the page, to see whether there is anything beyond.
    try:
        statement = compiled.listing(PAGE_ROWS + 1, after=place.after, before=place.before)
        found = await reading.fetch_compiled(statement)
    except (ValueError, asyncpg.DataError) as error:
        parameter = "after" if place.after is not None else "before"
        raise InvalidRequestError(Fault(("parameter", parameter), "is not a place in this list")) from error
    page, is_more = found[:PAGE_ROWS], len(found) > PAGE_ROWS
    if not page:
        return page, None, None
    if place.before is not None:
        page = page[::-1]
        return page, page[0]["place"] if is_more else None, page[-1]["place"]
    return page, page[0]["place"] if place.after is not None else None, page[-1]["place"] if is_more else None
