"""Renders the HTML pages: templates, formats, static addresses that change with their content, and the error page."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from export_api.http.problems import Problem
from export_api.staff import formats
from ticket_export.permissions import Person

STATIC_PATH = "/static"


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds a page: who is signed in, the token of their forms, and the part of the site."""

    person: Person
    csrf_token: str
    part: str


class Pages:
    """The templates; ``demo`` puts the banner on each page."""

    def __init__(self, *, demo: bool) -> None:
        self._environment = Environment(
            loader=PackageLoader("export_api.staff"),
            autoescape=select_autoescape(default=True, default_for_string=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(demo=demo, static=_static_address)
        self._environment.filters.update(
            number=formats.number,
            plural=formats.plural,
            size=formats.size,
            instant=formats.instant,
            cell=formats.cell,
        )

    def render(
        self,
        template: str,
        *,
        frame: Frame | None,
        status: int = 200,
        headers: dict[str, str] | None = None,
        **context: Any,
    ) -> HTMLResponse:
        """Render a page; without a frame nobody is signed in, or it is not known who."""
        text = self._environment.get_template(template).render(frame=frame, **context)
        return HTMLResponse(text, status, headers)

    def problem(self, request: Request, problem: Problem) -> HTMLResponse:
        """Render an error for a person."""
        return self.render(
            "problem.html",
            frame=None,
            status=problem.kind.status,
            headers=problem.headers,
            problem=problem,
            request_id=request.state.request_id,
        )


def _static_address(name: str) -> str:
    content = files("export_api.staff").joinpath("static", name).read_bytes()
    return f"{STATIC_PATH}/{name}?v={hashlib.sha256(content).hexdigest()[:10]}"
