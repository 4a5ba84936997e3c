"""The views that a person may export: those of every helpdesk, everybody's saved ones and their own."""

from dataclasses import dataclass
from uuid import UUID

from export_api.queries.source import Source, SourceReading
from ticket_export.permissions import Person
from ticket_export.views.payload import BUILT_IN_VIEWS


@dataclass(frozen=True, slots=True)
class ListedView:
    """A view by the id that an export takes."""

    id: str
    name: str
    built_in: bool
    private: bool = False


async def list_views(source: Source, person: Person) -> list[ListedView]:
    """List built-in views in their order, then saved ones by name."""
    async with source.reading() as reading:
        return await views_of(reading, person.id)


async def views_of(reading: SourceReading, person_id: UUID) -> list[ListedView]:
    """List the views of a person within a transaction that reads more."""
    built_in = [ListedView(view.id, view.name, built_in=True) for view in BUILT_IN_VIEWS.values()]
    saved = await reading.views(person_id)
    return [*built_in, *(ListedView(str(view.id), view.name, built_in=False, private=view.private) for view in saved)]
