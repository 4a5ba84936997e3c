"""Style sheet, script and icon; their addresses change with their content, so browsers may keep them."""

from typing import Any

from starlette.responses import Response
from starlette.staticfiles import StaticFiles

KEEP = "public, max-age=31536000, immutable"


class KeptFiles(StaticFiles):
    """The files of this package's ``static`` folder."""

    def __init__(self) -> None:
        super().__init__(packages=[("export_api.staff", "static")])

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Answer with a file that need not be asked for again."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = KEEP
        return response
