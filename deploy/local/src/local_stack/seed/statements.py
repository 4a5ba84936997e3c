"""The statements of ``statements.sql`` by name."""

import re
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def read_statements() -> dict[str, str]:
    """Return each statement's text; ``prepare`` has a place ``{number}`` for the run's number."""
    text = files("local_stack.seed").joinpath("statements.sql").read_text(encoding="utf-8")
    _, *pieces = _NAME.split(text)
    return dict(zip(pieces[::2], pieces[1::2], strict=True))
