"""Errors as RFC 9457 problems: the one table from domain errors to HTTP, and the one place that writes them."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from export_api import errors
from export_api.errors import ExportApiError

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:ticket-export:problem:"
# Each may list what is allowed; nobody reads more.
MOST_FAULTS = 100


@dataclass(frozen=True, slots=True)
class Kind:
    """How a sort of error is told over HTTP; ``slug`` is stable, programs may compare it."""

    status: HTTPStatus
    slug: str
    title: str


# The nearest class on the way up counts.
KINDS: dict[type[ExportApiError], Kind] = {
    ExportApiError: Kind(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "Something went wrong"),
    errors.NotSignedInError: Kind(HTTPStatus.UNAUTHORIZED, "not-signed-in", "Not signed in"),
    errors.NotAllowedError: Kind(HTTPStatus.FORBIDDEN, "not-allowed", "Not allowed"),
    errors.UnknownPersonError: Kind(HTTPStatus.FORBIDDEN, "unknown-person", "Unknown person"),
    errors.ForgedRequestError: Kind(HTTPStatus.FORBIDDEN, "forged-request", "Request refused"),
    errors.NotFoundError: Kind(HTTPStatus.NOT_FOUND, "not-found", "Not found"),
    errors.ViewNotFoundError: Kind(HTTPStatus.NOT_FOUND, "view-not-found", "View not found"),
    errors.ExportNotFoundError: Kind(HTTPStatus.NOT_FOUND, "export-not-found", "Export not found"),
    errors.InvalidRequestError: Kind(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", "Invalid request"),
    errors.IdempotencyConflictError: Kind(
        HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency-conflict", "Idempotency-Key used before"
    ),
    errors.TooManyExportsError: Kind(HTTPStatus.TOO_MANY_REQUESTS, "too-many-exports", "Too many exports"),
    errors.UnsupportedBodyError: Kind(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not-json", "Not JSON"),
    errors.BodyTooLargeError: Kind(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", "Body too large"),
    errors.UntrustedHostError: Kind(HTTPStatus.MISDIRECTED_REQUEST, "untrusted-host", "Unknown host name"),
    errors.NotReadyError: Kind(HTTPStatus.CONFLICT, "not-completed", "Not completed yet"),
    errors.AlreadyEndedError: Kind(HTTPStatus.CONFLICT, "already-ended", "Already ended"),
    errors.NotRetryableError: Kind(HTTPStatus.CONFLICT, "not-retryable", "Not retryable"),
    errors.AlreadyRetriedError: Kind(HTTPStatus.CONFLICT, "already-retried", "Already retried"),
    errors.NoFileError: Kind(HTTPStatus.CONFLICT, "no-file", "No file"),
    errors.FileExpiredError: Kind(HTTPStatus.GONE, "expired", "File expired"),
    errors.UnavailableError: Kind(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", "Not available right now"),
    errors.SourceUnpreparedError: Kind(HTTPStatus.SERVICE_UNAVAILABLE, "source-unprepared", "Helpdesk not prepared"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem as it is told; ``more`` holds extension members."""

    kind: Kind
    detail: str
    headers: dict[str, str] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)


def problem_of(error: ExportApiError) -> Problem:
    """Translate a domain error."""
    kind = next(KINDS[parent] for parent in type(error).__mro__ if parent in KINDS)
    headers: dict[str, str] = {}
    more: dict[str, Any] = {}
    if kind.status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="ticket-export"'
    if isinstance(error, errors.TooManyExportsError | errors.UnavailableError):
        headers["Retry-After"] = str(error.retry_after_seconds)
    if isinstance(error, errors.InvalidRequestError):
        more["errors"] = [
            {fault.place[0]: fault.place[1], "detail": fault.detail} for fault in error.faults[:MOST_FAULTS]
        ]
    return Problem(kind, str(error), headers, more)


def unexpected(reference: str) -> Problem:
    """Tell of a fault of ours: nothing but the reference under which the log has it."""
    detail = f"Something went wrong here. The log has it under the reference {reference}."
    return Problem(KINDS[ExportApiError], detail, more={"reference": reference})


def plain(status: int, detail: str, headers: dict[str, str] | None = None) -> Problem:
    """Tell of what the framework found: an unknown path, a wrong method, a body that is too large."""
    phrase = HTTPStatus(status)
    slug = phrase.phrase.lower().replace(" ", "-")
    return Problem(Kind(phrase, slug, phrase.phrase), detail, headers or {})


def wants_page(request: Request) -> bool:
    """Tell whether a person with a browser is asking, rather than a program."""
    return "text/html" in request.headers.get("accept", "") and "authorization" not in request.headers


def respond(request: Request, problem: Problem) -> Response:
    """Answer with the problem: as a page for a browser, as JSON for everything else."""
    if wants_page(request):
        page: Response = request.app.state.pages.problem(request, problem)
        return page
    content = {
        "type": TYPE_PREFIX + problem.kind.slug,
        "title": problem.kind.title,
        "status": int(problem.kind.status),
        "detail": problem.detail,
        "request_id": getattr(request.state, "request_id", None),
        **problem.more,
    }
    return JSONResponse(content, problem.kind.status, problem.headers, media_type=MEDIA_TYPE)
