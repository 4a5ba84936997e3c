"""What the application raises, and what becomes of it."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from export_api.errors import ExportApiError, Fault, InvalidRequestError, NotFoundError, UnavailableError
from export_api.http.problems import plain, problem_of, respond
from ticket_export.telemetry import get_logger

_WORDING = {"missing": "is missing", "extra_forbidden": "is not known"}

log = get_logger(__name__)


def faults_of(items: Sequence[Any]) -> list[Fault]:
    """Name each part that pydantic complains of, by JSON pointer (RFC 6901) or by parameter."""
    return [Fault(_place(item["loc"]), _WORDING.get(item["type"], item["msg"])) for item in items]


def _place(location: Sequence[str | int]) -> tuple[str, str]:
    kind, *path = location or ("body",)
    if kind in {"query", "header", "path"}:
        return ("parameter" if kind == "query" else str(kind), str(path[0]))
    return ("pointer", "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path))


def install_error_handlers(app: FastAPI) -> None:
    """Turn every expected error into a problem; the unexpected ones are ``RequestContext``'s."""

    @app.exception_handler(ExportApiError)
    async def on_domain_error(request: Request, error: ExportApiError) -> Response:
        if isinstance(error, UnavailableError):
            log.warning("Not available", action="unavailable", error=type(error).__name__, cause=repr(error.__cause__))
        return respond(request, problem_of(error))

    @app.exception_handler(RequestValidationError)
    async def on_invalid_request(request: Request, error: RequestValidationError) -> Response:
        faults = faults_of(error.errors())
        if any(fault.place[0] == "path" for fault in faults):
            return respond(request, problem_of(NotFoundError()))
        return respond(request, problem_of(InvalidRequestError(*faults)))

    @app.exception_handler(HTTPException)
    async def on_http_error(request: Request, error: HTTPException) -> Response:
        return respond(request, plain(error.status_code, error.detail, dict(error.headers or {})))
