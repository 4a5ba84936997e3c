"""Fix what a request is about: who asks, with which rights, for which view, at which moment. One transaction."""

from dataclasses import dataclass
from uuid import UUID

from pydantic import ValidationError

from export_api.errors import Fault, InvalidRequestError, SourceMovedError
from export_api.queries.source import Moment, SavedView, Source, SourceReading
from ticket_export.permissions import Person
from ticket_export.views.payload import BUILT_IN_VIEWS, SavedDefinition, ViewDefinition, ViewPayload
from ticket_export.views.resolve import Presentation, Requester, resolve


@dataclass(frozen=True, slots=True)
class CapturedView:
    """A view as it was at the moment; a later edit changes nothing."""

    id: str
    name: str
    payload: ViewPayload


@dataclass(frozen=True, slots=True)
class Capture:
    """What was true at the moment; ``view`` is None when the person may export no such view."""

    person: Person | None
    view: CapturedView | None
    moment: Moment
    schema_signature: str
    source_identity: str


async def capture(source: Source, *, username: str, view_id: str, jobs_cluster: int) -> Capture:
    """Read everything that a request depends on, as of one snapshot of the source's primary.

    Raises InvalidRequestError for a saved view that this version cannot read.
    """
    try:
        return await _capture(source, username, view_id, jobs_cluster)
    except SourceMovedError:
        # The new server is known by now.
        return await _capture(source, username, view_id, jobs_cluster)


async def _capture(source: Source, username: str, view_id: str, jobs_cluster: int) -> Capture:
    async with source.reading() as reading:
        moment = await reading.moment()
        await reading.assert_safe(moment.snapshot)
        identity = await reading.identity()
        person = await reading.person(username)
        view = await resolve_view(reading, person, view_id) if person and person.may_export else None
        signature = await reading.signature()
        if moment.cluster != jobs_cluster:
            await reading.secure_moment()
    return Capture(person, view, moment, signature, identity)


async def resolve_view(reading: SourceReading, person: Person, view_id: str) -> CapturedView | None:
    """Find a view by a built-in name or a saved view's id; None when the person can see no such view.

    Raises InvalidRequestError for a saved view that this version cannot read.
    """
    built_in = BUILT_IN_VIEWS.get(view_id)
    if built_in:
        return CapturedView(built_in.id, built_in.name, _payload(built_in.definition, person))
    try:
        saved = await reading.view(person.id, UUID(view_id))
    except ValueError:  # neither a built-in name nor a saved view's id
        return None
    return _captured(saved, person) if saved else None


def _captured(saved: SavedView, person: Person) -> CapturedView:
    try:
        definition = SavedDefinition.model_validate_json(saved.definition)
    except ValidationError as error:
        fault = Fault(("pointer", "/view_id"), "This view uses something that cannot be exported yet.")
        raise InvalidRequestError(fault) from error
    return CapturedView(str(saved.id), saved.name, _payload(definition, person))


def _payload(definition: ViewDefinition, person: Person) -> ViewPayload:
    return resolve(
        definition,
        ViewDefinition(),
        presentation=Presentation(),
        requester=Requester(person.id, person.team_ids),
        custom_fields={},
    )
