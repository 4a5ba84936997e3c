"""Reads JSON bodies strictly: whatever is wrong with one is named, and nothing unknown is let through."""

from typing import Annotated, Any

from fastapi import Depends, Header
from starlette.requests import Request

from export_api.documents import DocumentError, parse_json, read_document
from export_api.errors import Fault, InvalidRequestError, UnsupportedBodyError
from export_api.http.schemas import ExportBody
from export_api.use_cases.request_export import ExportRequest
from ticket_export.views.faults import ViewFault

MOST_KEY_CHARACTERS = 200


async def export_body(request: Request) -> ExportBody:
    """Read the body; raise InvalidRequestError that names each fault, UnsupportedBodyError when it isn't JSON."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedBodyError
    document: Any = None
    faults: list[ViewFault] = []
    try:
        document = parse_json(await request.body())
        body = read_document(ExportBody, document)
    except DocumentError as error:
        faults += error.faults
    faults += _which_view(document)
    if faults:
        raise InvalidRequestError.of(faults)
    return body


def _which_view(document: Any) -> list[ViewFault]:
    """Find fault with a body that names no view, or two."""
    if not isinstance(document, dict):
        return []
    named = [name for name in ("view_id", "view") if document.get(name) is not None]
    if len(named) == 1:
        return []
    place = "/view" if named else "/view_id"
    return [ViewFault(place, "is one too many: view_id or view" if named else "is missing: view_id or view")]


async def export_request(
    body: Annotated[ExportBody, Depends(export_body)],
    idempotency_key: Annotated[str | None, Header(description="The same key and body make one export only.")] = None,
) -> ExportRequest:
    """Read the whole request."""
    key = idempotency_key
    if key is not None and not (0 < len(key) <= MOST_KEY_CHARACTERS and key.isascii() and key.isprintable()):
        fault = Fault(("header", "Idempotency-Key"), f"is not 1 to {MOST_KEY_CHARACTERS} printable ASCII characters")
        raise InvalidRequestError(fault)
    return ExportRequest(body.asked, body.client_reference, key)
