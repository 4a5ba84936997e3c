"""Every error of the service has its place in the table; what is told is safe."""

from http import HTTPStatus

import pytest

from export_api import errors
from export_api.errors import ExportApiError, Fault, InvalidRequestError
from export_api.http.error_handlers import faults_of
from export_api.http.problems import KINDS, plain, problem_of, unexpected


def kinds_of(kind: type[ExportApiError]) -> list[type[ExportApiError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in kinds_of(child))]


@pytest.mark.parametrize("kind", [kind for kind in kinds_of(ExportApiError) if kind is not ExportApiError])
def test_each_error_has_a_status_and_words(kind: type[ExportApiError]) -> None:
    problem = problem_of(kind())

    assert problem.kind.status is not HTTPStatus.INTERNAL_SERVER_ERROR
    assert problem.detail.endswith((".", ")"))
    assert "\n" not in problem.detail


def test_slugs_are_one_per_meaning() -> None:
    slugs = [kind.slug for kind in KINDS.values()]
    assert len(slugs) == len(set(slugs))


def test_headers_come_with_their_status() -> None:
    assert problem_of(errors.NotSignedInError()).headers["WWW-Authenticate"].startswith("Bearer")
    assert problem_of(errors.TooManyExportsError()).headers["Retry-After"] == "30"
    assert problem_of(errors.DatabaseUnavailableError()).headers["Retry-After"] == "5"


def test_faults_name_their_place() -> None:
    error = InvalidRequestError(
        Fault(("pointer", "/columns"), "is not known"), Fault(("parameter", "limit"), "is wrong")
    )

    assert problem_of(error).more["errors"] == [
        {"pointer": "/columns", "detail": "is not known"},
        {"parameter": "limit", "detail": "is wrong"},
    ]


def test_pointers_are_escaped() -> None:
    items = [
        {"loc": ("body", "a/b~c", 0), "type": "extra_forbidden", "msg": "…"},
        {"loc": ("body",), "type": "json_invalid", "msg": "Invalid JSON"},
        {"loc": ("query", "limit"), "type": "int_parsing", "msg": "no number"},
        {"loc": (), "type": "x", "msg": "y"},
    ]
    assert [(fault.place, fault.detail) for fault in faults_of(items)] == [
        (("pointer", "/a~1b~0c/0"), "is not known"),
        (("pointer", ""), "Invalid JSON"),
        (("parameter", "limit"), "no number"),
        (("pointer", ""), "y"),
    ]


def test_an_unexpected_error_tells_its_reference_only() -> None:
    problem = unexpected("abc123")
    assert (problem.kind.status, problem.more) == (500, {"reference": "abc123"})
    assert "abc123" in problem.detail


def test_what_the_framework_finds_has_a_slug() -> None:
    assert plain(405, "Method Not Allowed", {"Allow": "GET"}).kind.slug == "method-not-allowed"
