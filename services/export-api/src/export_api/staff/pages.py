"""Renders the HTML pages: templates, static addresses that change with their content, and the error page."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from export_api.http.problems import Problem


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
        self._environment.globals.update(demo=demo)

    def render(
        self, template: str, *, status: int = 200, headers: dict[str, str] | None = None, **context: Any
    ) -> HTMLResponse:
        """Render a page."""
        return HTMLResponse(self._environment.get_template(template).render(**context), status, headers)

    def problem(self, request: Request, problem: Problem) -> HTMLResponse:
        """Render an error for a person."""
        return self.render(
            "problem.html",
            status=problem.kind.status,
            headers=problem.headers,
            problem=problem,
            request_id=request.state.request_id,
        )
