"""What handlers ask for by type: the resources, and who is asking."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from export_api.auth.sessions import Session
from export_api.errors import ForgedRequestError, NotSignedInError
from export_api.resources import Resources
from export_api.use_cases.origin import Origin
from export_api.use_cases.people import find_person
from ticket_export.permissions import Person

SESSION_COOKIE = "ticket_export_session"


def get_resources(request: Request) -> Resources:
    """Return what the lifespan opened."""
    resources: Resources = request.app.state.resources
    return resources


ResourcesOf = Annotated[Resources, Depends(get_resources)]


def origin_of(request: Request, subject: str) -> Origin:
    """Describe where a request of this person came from."""
    return Origin(subject, request.client.host if request.client else None, request.state.request_id)


def session_of(request: Request, resources: Resources) -> Session | None:
    """Return the browser's session, if it has one."""
    sessions = resources.identity.sessions
    return sessions.read(request.cookies.get(SESSION_COOKIE)) if sessions else None


async def by_token(request: Request, resources: ResourcesOf) -> Origin:
    """Ask for a bearer token in the Authorization header; nowhere else does one count."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotSignedInError
    return origin_of(request, await resources.identity.tokens.subject(token.strip()))


async def by_token_or_session(request: Request, resources: ResourcesOf) -> Origin:
    """Take a bearer token, or the session of a browser that was not sent here by another site."""
    if "authorization" in request.headers:
        return await by_token(request, resources)
    session = session_of(request, resources)
    if session is None:
        raise NotSignedInError
    if request.headers.get("sec-fetch-site") not in {"same-origin", "none"}:
        raise ForgedRequestError
    return origin_of(request, session.username)


async def caller(origin: Annotated[Origin, Depends(by_token)], resources: ResourcesOf) -> Person:
    """Look the token's person up, with their present rights."""
    return await find_person(resources.installation.source, origin.subject)


ByToken = Annotated[Origin, Depends(by_token)]
ByTokenOrSession = Annotated[Origin, Depends(by_token_or_session)]
Caller = Annotated[Person, Depends(caller)]
