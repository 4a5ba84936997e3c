"""The demo's sign-in: choose who you are. Exists with AUTH_MODE=demo only."""

import re
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

from export_api.auth.sessions import SESSION_LIFE_SECONDS
from export_api.errors import UnknownPersonError
from export_api.http.dependencies import SESSION_COOKIE, ResourcesOf, origin_of
from export_api.staff.access import SIGN_IN_PATH, FormViewer, OwnForm, SessionsOf
from export_api.use_cases.people import find_person
from ticket_export.audit import AuditAction, AuditEntry

HOME = "/staff/tickets"
SEE_OTHER = 303
# A path of ours and nothing that a browser could read as another host.
_OWN_PATH = re.compile(r"/staff/[A-Za-z0-9/_.~-]*(\?[A-Za-z0-9=&%_.~:+-]*)?")

router = APIRouter(prefix="/staff")


@router.get("/sign-in")
async def show(request: Request, resources: ResourcesOf, _: SessionsOf, next: str = "") -> HTMLResponse:  # noqa: A002
    """Offer the demo's people with what each may do."""
    async with resources.installation.source.reading() as reading:
        people = await reading.people(resources.settings.demo_usernames)
    page: HTMLResponse = request.app.state.pages.render("sign_in.html", frame=None, people=people, next=next)
    return page


@router.post("/sign-in")
async def sign_in(
    request: Request,
    resources: ResourcesOf,
    sessions: SessionsOf,
    _: OwnForm,
    username: Annotated[str, Form(max_length=200)],
    next: Annotated[str, Form(max_length=2000)] = "",  # noqa: A002
) -> RedirectResponse:
    """Begin a session as one of the demo's people."""
    if username not in resources.settings.demo_usernames:
        raise UnknownPersonError("The demo has nobody of that name.")
    person = await find_person(resources.installation.source, username)
    origin = origin_of(request, username)
    await resources.installation.record(
        AuditEntry(
            AuditAction.SIGNED_IN,
            actor_id=person.id,
            client_address=origin.client_address,
            request_id=origin.request_id,
        )
    )
    answer = RedirectResponse(next if _OWN_PATH.fullmatch(next) else HOME, SEE_OTHER)
    answer.set_cookie(
        SESSION_COOKIE,
        sessions.issue(username),
        max_age=SESSION_LIFE_SECONDS,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return answer


@router.post("/sign-out")
async def sign_out(_: FormViewer) -> RedirectResponse:
    """End the session in this browser."""
    answer = RedirectResponse(SIGN_IN_PATH, SEE_OTHER)
    answer.delete_cookie(SESSION_COOKIE)
    return answer
