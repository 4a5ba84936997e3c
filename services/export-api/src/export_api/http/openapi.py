"""The parts of the OpenAPI document that the framework cannot know."""

from http import HTTPStatus
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
    409: "The state of the export forbids it.",
    410: "The file has expired.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "Unknown or malformed parts, each named with what would be allowed.",
    429: "Too many unfinished exports; see Retry-After.",
    503: "Something needed cannot be reached; see Retry-After.",
}

_SCHEMAS = "#/components/schemas/{model}"
_BODY_SCHEMA = ExportBody.model_json_schema(ref_template=_SCHEMAS)
# Schemas of bodies that are read by hand, which the framework does not see.
_BODY_PARTS: dict[str, Any] = _BODY_SCHEMA.pop("$defs")

_EXAMPLES: dict[str, Any] = {
    "a view": {"summary": "A view as it stands", "value": {"view_id": "open", "client_reference": "order 4711"}},
    "narrowed": {
        "summary": "A view, narrowed and laid out otherwise",
        "value": {
            "view_id": "open",
            "columns": ["id", "title", "status", "custom.location"],
            "filters": {
                "all": [{"field": "creation_time", "operator": "is", "value": "last_week"}],
                "any": [
                    {"field": "title", "operator": "contains", "value": "refund"},
                    {"field": "tags", "operator": "eq", "value": "billing"},
                ],
            },
            "quick_filters": {"assignee_id": "unassigned"},
            "sort": [{"field": "priority", "direction": "desc"}, {"field": "creation_time", "direction": "asc"}],
            "time_zone": "Europe/Berlin",
            "delimiter": ";",
        },
    },
    "inline": {
        "summary": "A whole view, for a program",
        "value": {
            "view": {
                "scope": "all",
                "columns": ["id", "title", "last_modification_time"],
                "filters": {
                    "all": [
                        {
                            "field": "last_modification_time",
                            "operator": "is_within_past",
                            "value": {"amount": 24, "unit": "hours"},
                        }
                    ]
                },
                "sort": "oldest",
            },
            "profile": "machine",
        },
    },
}
EXPORT_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": _BODY_SCHEMA, "examples": _EXAMPLES}},
    }
}

_INVALID_EXAMPLE: dict[str, Any] = {
    "type": "urn:ticket-export:problem:invalid-request",
    "title": "Invalid request",
    "status": 422,
    "detail": "The request has unknown or malformed parts.",
    "request_id": "6f1b0c6f7f6a4b0e9d9f0b4a4a9a6a10",
    "errors": [
        {
            "pointer": "/filters/all/0/operator",
            "detail": "for title the operator 'like' is unknown; allowed: eq, neq, contains, not_contains, …",
        }
    ],
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe which errors a call answers with, besides those that every call has."""
    answers: dict[int | str, dict[str, Any]] = {}
    for status in sorted({401, 503, *statuses}):
        told: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Problem"}}
        if status == HTTPStatus.UNPROCESSABLE_ENTITY:
            told["example"] = _INVALID_EXAMPLE
        answers[status] = {"description": _REASONS[status], "content": {MEDIA_TYPE: told}}
    return answers


def complete_openapi(app: FastAPI) -> None:
    """Add the problem schema and the bearer scheme to the document that the framework makes."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        components = document.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        schemas["Problem"] = _PROBLEM_SCHEMA
        schemas.update(_BODY_PARTS)
        for name in _FRAMEWORK_ERRORS:
            schemas.pop(name, None)
        for operation in (call for path in document["paths"].values() for call in path.values()):
            if "application/json" in operation["responses"].get("422", {}).get("content", {}):
                del operation["responses"]["422"]  # a malformed path is a 404 here
        components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
        document["security"] = [{"bearer": []}]
        return document

    app.openapi = openapi  # type: ignore[method-assign]
