"""``/staff/tickets``: a view's tickets, and the button that exports them."""

import base64
import json
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse

from export_api.errors import Fault, InvalidRequestError
from export_api.http.dependencies import ResourcesOf
from export_api.staff.access import ViewerOf
from export_api.staff.pages import Frame
from export_api.use_cases.list_tickets import Place, list_tickets

router = APIRouter(prefix="/staff/tickets")

PlaceText = Annotated[str | None, Query(max_length=4000)]


@router.get("")
async def show(
    request: Request,
    viewer: ViewerOf,
    resources: ResourcesOf,
    view: Annotated[str, Query(max_length=200)] = "open",
    after: PlaceText = None,
    before: PlaceText = None,
) -> HTMLResponse:
    """Show one page of a view."""
    place = Place(read_place("after", after), read_place("before", before))
    tickets = await list_tickets(
        resources.installation.source, username=viewer.session.username, view_id=view, place=place
    )
    frame = Frame(tickets.person, viewer.session.csrf_token, "tickets")
    page: HTMLResponse = request.app.state.pages.render(
        "tickets.html", frame=frame, page=tickets, place_text=place_text
    )
    return page


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
