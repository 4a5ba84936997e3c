"""``/staff/tickets``: a view's tickets, and the button that exports them."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Self
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse

from export_api.errors import Fault, InvalidRequestError
from export_api.http.dependencies import ResourcesOf
from export_api.staff.access import ViewerOf
from export_api.staff.list_parameters import named_by_parameter, read_parameters
from export_api.staff.pages import Frame
from export_api.use_cases.list_tickets import Place, list_tickets
from export_api.use_cases.resolve_view import CapturedView
from ticket_export.views.sorts import NAMED_SORT_LABELS, NAMED_SORTS

DEFAULT_VIEW = "open"

router = APIRouter(prefix="/staff/tickets")

PlaceText = Annotated[str | None, Query(max_length=4000)]


@router.get("")
async def show(
    request: Request, viewer: ViewerOf, resources: ResourcesOf, after: PlaceText = None, before: PlaceText = None
) -> HTMLResponse:
    """Show one page of a view; its parameters are read by ``read_parameters``."""
    if after is not None and before is not None:
        raise InvalidRequestError(Fault(("parameter", "before"), "goes without after"))
    items = request.query_params.multi_items()
    wanted = read_parameters(items, besides=("after", "before"), default_view=DEFAULT_VIEW)
    place = Place(read_place("after", after), read_place("before", before))
    source = resources.installation.source
    try:
        tickets = await list_tickets(source, username=viewer.session.username, asked=wanted.asked, place=place)
    except InvalidRequestError as error:
        raise named_by_parameter(error) from error
    frame = Frame(tickets.person, viewer.session.csrf_token, "tickets")
    controls = ListControls.of(tickets.view, wanted.given)
    page: HTMLResponse = request.app.state.pages.render(
        "tickets.html", frame=frame, page=tickets, controls=controls, place_text=place_text
    )
    return page


@dataclass(frozen=True, slots=True)
class SortChoice:
    """One of the orders in the list's head."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class ListControls:
    """The form above the list; ``kept`` is what its fields do not say and links and forms have to repeat."""

    address: str
    given: dict[str, str]
    kept: dict[str, str]
    search: str
    sorts: tuple[SortChoice, ...]

    @classmethod
    def of(cls, view: CapturedView, given: dict[str, str]) -> Self:
        """Describe the form as it stands."""
        sort = given.get("sort", "")
        named = {"": "As in the view", **{name: NAMED_SORT_LABELS[name] for name in NAMED_SORTS}}
        if sort not in named:
            named[sort] = "As in the address"
        return cls(
            address=f"/staff/tickets?{urlencode({'view': view.id, **given})}",
            given=given,
            kept={name: value for name, value in given.items() if name not in {"search", "sort"}},
            search=view.payload.search or "",
            sorts=tuple(SortChoice(value, label, value == sort) for value, label in named.items()),
        )


def place_text(place: Sequence[str]) -> str:
    """Write a place in the list into an address."""
    return base64.urlsafe_b64encode(json.dumps(list(place)).encode()).decode().rstrip("=")


def read_place(name: str, text: str | None) -> tuple[str, ...] | None:
    """Read a place from an address; raise InvalidRequestError, naming the parameter, for anything that is none."""
    if text is None:
        return None
    try:
        values = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except ValueError:
        values = None
    if not isinstance(values, list) or not all(isinstance(value, str) and "\x00" not in value for value in values):
        raise InvalidRequestError(Fault(("parameter", name), "is not a place in this list"))
    return tuple(values)
