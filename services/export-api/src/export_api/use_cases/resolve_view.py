"""From what a request says of its view to the payload: found, checked as a whole, merged. Nothing is dropped."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from export_api.documents import DocumentError, parse_json, read_document
from export_api.errors import InvalidRequestError, ViewNotFoundError
from export_api.queries.source import Source, SourceReading
from ticket_export.permissions import Person
from ticket_export.views.check import check_definition, check_time_zone, staff_ids
from ticket_export.views.compile import CompiledView, compile_view
from ticket_export.views.faults import ViewError, ViewFault
from ticket_export.views.operators import Moment as ViewMoment
from ticket_export.views.payload import BUILT_IN_VIEWS, SavedDefinition, ViewDefinition, ViewPayload
from ticket_export.views.resolve import Presentation, Requester, resolve
from ticket_export.views.scopes import SCOPE_ALIASES

# What a view that came with its request is called; no saved or built-in view has this id.
INLINE_ID = "inline"
INLINE_NAME = "Custom view"

_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class AskedView:
    """A view as it was asked for: by id or inline, with what is laid on top of it."""

    view_id: str | None = None
    view: ViewDefinition | None = None
    on_top: ViewDefinition = field(default_factory=ViewDefinition)
    presentation: Presentation = field(default_factory=Presentation)


@dataclass(frozen=True, slots=True)
class CapturedView:
    """A view as it was at the moment; a later edit changes nothing."""

    id: str
    name: str
    payload: ViewPayload

    def compiled(self, source: Source, requested_at: datetime) -> CompiledView:
        """Bind it to its moment, for statements in the very transaction of that moment.

        There the live tables are what the snapshot sees; read as of it, a list would walk the whole history for rows
        that are not there.
        """
        return compile_view(
            self.payload,
            snapshot=None,
            requested_at=requested_at,
            source_schema=source.schema,
            bookkeeping_schema=source.bookkeeping_schema,
        )


@dataclass(frozen=True, slots=True)
class _Found:
    """The view that was asked for; ``root`` is where it stands in the request, None for a saved one, which doesn't."""

    id: str
    name: str
    definition: ViewDefinition
    root: str | None = None
    faults: tuple[ViewFault, ...] = ()

    def told(self, faults: Iterable[ViewFault]) -> list[ViewFault]:
        """Return faults of the definition as faults of the request."""
        if self.root is not None:
            return [ViewFault(self.root + fault.pointer, fault.detail) for fault in faults]
        return [
            ViewFault("/view_id", f"the saved view does not fit this helpdesk: {fault.pointer or '/'} {fault.detail}")
            for fault in faults
        ]


async def resolve_view(
    reading: SourceReading, person: Person, asked: AskedView, requested_at: datetime
) -> CapturedView:
    """Return the view as it stands at the moment of the reading.

    Raises ViewNotFoundError when the person can see no such view, InvalidRequestError with every fault at once.
    """
    found = await _find(reading, person, asked)
    zone, faults = await _time_zone(reading, asked.presentation.time_zone, requested_at)
    helpdesk = await reading.helpdesk(_ids(staff_ids(found.definition) | staff_ids(asked.on_top)))
    moment = ViewMoment(requested_at, zone)
    faults += found.told([*found.faults, *check_definition(found.definition, helpdesk, moment)])
    faults += check_definition(asked.on_top, helpdesk, moment)
    if faults:
        raise InvalidRequestError.of(faults)
    payload = resolve(
        found.definition,
        asked.on_top,
        presentation=asked.presentation,
        requester=Requester(person.id, person.team_ids),
        custom_fields=helpdesk.custom_fields,
    )
    return CapturedView(found.id, found.name, payload)


async def _find(reading: SourceReading, person: Person, asked: AskedView) -> _Found:
    if asked.view is not None:
        return _Found(INLINE_ID, INLINE_NAME, asked.view, root="/view")
    view_id = asked.view_id or ""
    built_in = BUILT_IN_VIEWS.get(SCOPE_ALIASES.get(view_id, view_id))
    if built_in:
        return _Found(built_in.id, built_in.name, built_in.definition)
    try:
        saved = await reading.view(person.id, UUID(view_id))
    except ValueError as error:  # neither a built-in name nor a saved view's id
        raise ViewNotFoundError from error
    if saved is None:
        raise ViewNotFoundError
    try:
        definition = read_document(SavedDefinition, parse_json(saved.definition))
    except DocumentError as error:
        return _Found(str(saved.id), saved.name, ViewDefinition(), faults=error.faults)
    return _Found(str(saved.id), saved.name, definition)


async def _time_zone(reading: SourceReading, name: str, requested_at: datetime) -> tuple[ZoneInfo, list[ViewFault]]:
    """Return the zone, or UTC with the fault, so that the rest of the request can be checked as well."""
    try:
        zone = check_time_zone(name)
    except ViewError as error:
        return _UTC, [ViewFault("/time_zone", str(error))]
    if zone.key == _UTC.key or await reading.agrees_on(zone, requested_at):
        return zone, []
    detail = f"the helpdesk's database has other clocks for {name!r}; allowed: a place, like Europe/Berlin, or UTC"
    return _UTC, [ViewFault("/time_zone", detail)]


def _ids(named: Iterable[str]) -> list[UUID]:
    """Return those that can be ids; the check tells of the others."""
    ids = []
    for text in named:
        try:
            ids.append(UUID(text))
        except ValueError:
            continue
    return ids
