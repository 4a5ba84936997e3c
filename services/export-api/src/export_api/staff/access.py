"""Who is looking at the pages, and whether a form really comes from one of them."""

import hmac
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote, urlsplit

from fastapi import Depends, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from export_api.auth.sessions import Session, Sessions
from export_api.errors import ForgedRequestError, NotFoundError
from export_api.http.dependencies import ResourcesOf, origin_of, session_of
from export_api.use_cases.origin import Origin

SIGN_IN_PATH = "/staff/sign-in"


class SignInNeededError(Exception):
    """Nobody is signed in; ``back_to`` is where to go afterwards."""

    def __init__(self, back_to: str) -> None:
        super().__init__()
        self.back_to = back_to


@dataclass(frozen=True, slots=True)
class Viewer:
    """The browser's session, and where its request came from."""

    session: Session
    origin: Origin


def get_sessions(resources: ResourcesOf) -> Sessions:
    """Return the session keeper; raise NotFoundError where browsers cannot sign in."""
    if resources.identity.sessions is None:
        raise NotFoundError("Nobody can sign in with a browser here; the REST API takes bearer tokens.")
    return resources.identity.sessions


def get_viewer(request: Request, resources: ResourcesOf, _: Annotated[Sessions, Depends(get_sessions)]) -> Viewer:
    """Return who is looking; raise SignInNeededError when nobody is signed in."""
    session = session_of(request, resources)
    if session is None:
        raise SignInNeededError(_path_with_query(request) if request.method == "GET" else "")
    return Viewer(session, origin_of(request, session.username))


def refuse_other_sites(request: Request) -> None:
    """Raise ForgedRequestError for a form that another site sent (Sec-Fetch-Site, else Origin)."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None:
        trusted = site in {"same-origin", "none"}
    else:
        trusted = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if not trusted:
        raise ForgedRequestError


def get_form_viewer(
    viewer: Annotated[Viewer, Depends(get_viewer)],
    csrf_token: Annotated[str, Form()],
    _: Annotated[None, Depends(refuse_other_sites)],
) -> Viewer:
    """Return who sent a form; raise ForgedRequestError when it isn't from a page of their session."""
    if not hmac.compare_digest(csrf_token.encode(), viewer.session.csrf_token.encode()):
        raise ForgedRequestError
    return viewer


async def on_sign_in_needed(_request: Request, error: Exception) -> Response:
    """Send the browser to the sign-in page, and back afterwards."""
    back_to = error.back_to if isinstance(error, SignInNeededError) else ""
    query = f"?next={quote(back_to, safe='')}" if back_to else ""
    return RedirectResponse(SIGN_IN_PATH + query, 303)


def _path_with_query(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


SessionsOf = Annotated[Sessions, Depends(get_sessions)]
ViewerOf = Annotated[Viewer, Depends(get_viewer)]
FormViewer = Annotated[Viewer, Depends(get_form_viewer)]
OwnForm = Annotated[None, Depends(refuse_other_sites)]
