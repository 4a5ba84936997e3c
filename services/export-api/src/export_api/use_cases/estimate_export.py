"""How big an export would be, before anybody asks for it; nothing is stored."""

from dataclasses import dataclass

from export_api.errors import NotAllowedError, UnknownPersonError
from export_api.queries.source import Source
from export_api.size_warnings import SizeWarning, size_warnings
from export_api.use_cases.resolve_view import AskedView, resolve_view
from ticket_export.views.compile import CompiledView

# Measured (docs/performance.md): what an export needs at least, and what one copy task does in a second.
LEAST_SECONDS = 1
ROWS_PER_SECOND = 200_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """``rows`` are counted; ``size_bytes`` and ``seconds`` are guesses, the size a generous one."""

    rows: int
    size_bytes: int
    seconds: int
    warnings: tuple[SizeWarning, ...]


async def estimate_export(source: Source, asked: AskedView, *, username: str) -> Estimate:
    """Count what an export would have now.

    Raises UnknownPersonError, NotAllowedError, ViewNotFoundError and InvalidRequestError.
    """
    async with source.reading() as reading:
        moment = await reading.moment()
        person = await reading.person(username)
        if person is None:
            raise UnknownPersonError
        if not person.may_export:
            raise NotAllowedError("Estimating an export needs the permission “import / export tickets”.")
        view = await resolve_view(reading, person, asked, moment.requested_at)
        compiled = view.compiled(source, moment.requested_at)
        rows: int = (await reading.fetch_compiled(compiled.count()))[0]["count"]
    return estimate_of(compiled, rows)


def estimate_of(view: CompiledView, rows: int) -> Estimate:
    """Return what so many rows of the view come to."""
    return Estimate(
        rows=rows,
        size_bytes=len(view.header.encode()) + rows * view.usual_row_bytes,
        seconds=LEAST_SECONDS + rows // ROWS_PER_SECOND,
        warnings=size_warnings(view.payload.profile, rows=rows, oversized_cells=None),
    )
