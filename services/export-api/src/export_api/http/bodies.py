"""Reads JSON bodies strictly: whatever is wrong with one is named, and nothing unknown is let through."""

from typing import Annotated

from fastapi import Depends, Header
from pydantic import ValidationError
from starlette.requests import Request

from export_api.errors import Fault, InvalidRequestError, UnsupportedBodyError
from export_api.http.error_handlers import faults_of
from export_api.http.schemas import ExportBody
from export_api.use_cases.request_export import ExportRequest

MOST_KEY_CHARACTERS = 200


async def export_body(request: Request) -> ExportBody:
    """Read the body; raise InvalidRequestError that names each fault, UnsupportedBodyError when it isn't JSON."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedBodyError
    try:
        return ExportBody.model_validate_json(await request.body())
    except ValidationError as error:
        items = error.errors(include_url=False, include_context=False, include_input=False)
        raise InvalidRequestError(*faults_of([{**item, "loc": ("body", *item["loc"])} for item in items])) from error


async def export_request(
    body: Annotated[ExportBody, Depends(export_body)],
    idempotency_key: Annotated[str | None, Header(description="The same key and body make one export only.")] = None,
) -> ExportRequest:
    """Read the whole request."""
    key = idempotency_key
    if key is not None and not (0 < len(key) <= MOST_KEY_CHARACTERS and key.isascii() and key.isprintable()):
        fault = Fault(("header", "Idempotency-Key"), f"is not 1 to {MOST_KEY_CHARACTERS} printable ASCII characters")
        raise InvalidRequestError(fault)
    return ExportRequest(body.view_id, body.client_reference, key)
