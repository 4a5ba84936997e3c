"""The parts of the OpenAPI document that the framework cannot know."""

from typing import Any

from fastapi import FastAPI

from export_api.http.problems import MEDIA_TYPE
from export_api.http.schemas import ExportBody

TITLE = "ticket-export"
DESCRIPTION = """\
Any view of a helpdesk's tickets as a CSV file that is exactly the database as of the request.

Authenticate with `Authorization: Bearer <JWT>`. Errors are `application/problem+json` (RFC 9457).
"""

_PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "An error as of RFC 9457.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "Stable; programs may compare it."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": ["string", "null"]},
        "reference": {"type": "string", "description": "With status 500: what to look for in the log."},
        "errors": {
            "type": "array",
            "description": "With status 422: each fault and where it is.",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "JSON pointer into the body."},
                    "parameter": {"type": "string", "description": "Name of a query parameter."},
                    "header": {"type": "string", "description": "Name of a header."},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}

# The framework's own form of a 422, which nobody ever gets from us.
_FRAMEWORK_ERRORS = ("HTTPValidationError", "ValidationError")

_REASONS = {
    401: "No valid bearer token.",
    403: "The person lacks the right, or is unknown.",
    404: "Not there, or not yours to see.",
    409: "Not completed yet, or ended without a file.",
    410: "The file has expired.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "Unknown or malformed parts, each named.",
    429: "Too many unfinished exports; see Retry-After.",
    503: "Something needed cannot be reached; see Retry-After.",
}

EXPORT_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": ExportBody.model_json_schema()}}}
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe which errors a call answers with, besides those that every call has."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": _REASONS[status], "content": content} for status in sorted({401, 503, *statuses})}


def complete_openapi(app: FastAPI) -> None:
    """Add the problem schema and the bearer scheme to the document that the framework makes."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        components = document.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        schemas["Problem"] = _PROBLEM_SCHEMA
        for name in _FRAMEWORK_ERRORS:
            schemas.pop(name, None)
        for operation in (call for path in document["paths"].values() for call in path.values()):
            if "application/json" in operation["responses"].get("422", {}).get("content", {}):
                del operation["responses"]["422"]  # a malformed path is a 404 here
        components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
        document["security"] = [{"bearer": []}]
        return document

    app.openapi = openapi  # type: ignore[method-assign]
