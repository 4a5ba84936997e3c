"""The views that a person may export: those of every helpdesk, everybody's saved ones and their own."""

from dataclasses import dataclass

from export_api.queries.source import Source
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
        saved = await reading.views(person.id)
    built_in = [ListedView(view.id, view.name, built_in=True) for view in BUILT_IN_VIEWS.values()]
    return [*built_in, *(ListedView(str(v.id), v.name, built_in=False, private=v.private) for v in saved)]
