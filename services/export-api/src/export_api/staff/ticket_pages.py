"""``/staff/tickets``: a view's tickets, newest first, and the button that exports them."""

import re
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse

from export_api.errors import Fault, InvalidRequestError
from export_api.http.dependencies import ResourcesOf
from export_api.staff.access import ViewerOf
from export_api.staff.pages import Frame
from export_api.use_cases.list_tickets import Place, list_tickets
from ticket_export.views.compile import Key

router = APIRouter(prefix="/staff/tickets")

# PostgreSQL's own text of an instant, then the ticket's id.
_KEY = re.compile(r"(?P<instant>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?[+-]\d\d(:\d\d)?)~(?P<id>\d{1,19})", re.ASCII)
_GREATEST_ID = 2**63 - 1

KeyText = Annotated[str | None, Query(max_length=100)]


@router.get("")
async def show(
    request: Request,
    viewer: ViewerOf,
    resources: ResourcesOf,
    view: Annotated[str, Query(max_length=200)] = "open",
    older_than: KeyText = None,
    newer_than: KeyText = None,
) -> HTMLResponse:
    """Show one page of a view."""
    place = Place(read_key("older_than", older_than), read_key("newer_than", newer_than))
    tickets = await list_tickets(
        resources.installation.source, username=viewer.session.username, view_id=view, place=place
    )
    frame = Frame(tickets.person, viewer.session.csrf_token, "tickets")
    page: HTMLResponse = request.app.state.pages.render("tickets.html", frame=frame, page=tickets, key_text=key_text)
    return page


def key_text(key: Key) -> str:
    """Write a key into an address."""
    return f"{key.creation_time}~{key.id}"


def read_key(name: str, text: str | None) -> Key | None:
    """Read a key from an address; raise InvalidRequestError, naming the parameter, for anything else."""
    if text is None:
        return None
    match = _KEY.fullmatch(text)
    if match is None or int(match["id"]) > _GREATEST_ID:
        raise InvalidRequestError(Fault(("parameter", name), "is not a place in this list"))
    try:
        datetime.fromisoformat(match["instant"])
    except ValueError as error:
        raise InvalidRequestError(Fault(("parameter", name), "is not a place in this list")) from error
    return Key(match["instant"], int(match["id"]))
