"""Fix what a request is about: who asks, with which rights, for which view, at which moment. One transaction."""

from dataclasses import dataclass

from export_api.errors import ExportApiError, InvalidRequestError, SourceMovedError, ViewNotFoundError
from export_api.queries.jobs import SnapshotOrigin
from export_api.queries.source import Moment, Source, SourceReading
from export_api.use_cases.resolve_view import AskedView, CapturedView, resolve_view
from ticket_export.permissions import Person


@dataclass(frozen=True, slots=True)
class Capture:
    """What was true at the moment; ``view`` is the refusal when the person may export no such view."""

    person: Person | None
    view: CapturedView | ExportApiError
    moment: Moment
    origin: SnapshotOrigin


async def capture(source: Source, *, username: str, asked: AskedView | CapturedView, jobs_cluster: int) -> Capture:
    """Read everything that a request depends on, as of one snapshot of the source's primary.

    A view that was captured before is taken as it is, as of now.
    """
    try:
        return await _capture(source, username, asked, jobs_cluster)
    except SourceMovedError:
        # The new server is known by now.
        return await _capture(source, username, asked, jobs_cluster)


async def _capture(source: Source, username: str, asked: AskedView | CapturedView, jobs_cluster: int) -> Capture:
    async with source.reading() as reading:
        mode = await reading.snapshot_mode(source.snapshot_mode)
        moment = await reading.moment(standby_will_do=mode == "statement")
        origin = await _origin(reading, moment, jobs_cluster) if mode == "exact" else SnapshotOrigin()
        person = await reading.person(username)
        view = await _view(source, reading, person, asked, moment)
    return Capture(person, view, moment, origin)


async def _origin(reading: SourceReading, moment: Moment, jobs_cluster: int) -> SnapshotOrigin:
    """Return what ties an export to this snapshot; raise SourceUnpreparedError when it could not be read later."""
    await reading.assert_safe(moment.snapshot)
    identity, signature = await reading.identity(), await reading.signature()
    if moment.cluster != jobs_cluster:
        await reading.secure_moment()
    return SnapshotOrigin("exact", moment.snapshot, signature, identity)


async def _view(
    source: Source,
    reading: SourceReading,
    person: Person | None,
    asked: AskedView | CapturedView,
    moment: Moment,
) -> CapturedView | ExportApiError:
    """Return the view, or why there is none: a repeated request finds its job even when its view has gone."""
    if person is None or not person.may_export:
        return ViewNotFoundError()
    if isinstance(asked, CapturedView):
        return asked
    try:
        view = await resolve_view(reading, person, asked, moment.requested_at)
    except (ViewNotFoundError, InvalidRequestError) as refusal:
        return refusal
    # What cannot be compiled must not become a job.
    compiled = view.compiled(source, moment.requested_at)
    compiled.measure()
    compiled.copy()
    return view
