"""Custom fields: what is not of the field's type counts as no value."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

from support.evaluator.helpdesk import Row

TYPES = {"text", "number", "date", "boolean", "select"}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def type_of(definition: Row) -> str:
    """The field's type; one that the language doesn't know is text."""
    known = definition["type"]
    return known if known in TYPES else "text"


def value_of(ticket: Row, key: str, kind: str) -> Any:
    """A str, Decimal, date or bool by the field's type, or None."""
    stored = ticket["custom"].get(key) if isinstance(ticket["custom"], dict) else None
    match kind:
        case "number":
            return stored if isinstance(stored, Decimal) else None
        case "boolean":
            return stored if isinstance(stored, bool) else None
        case "date":
            return _day(stored)
        case _:
            return _scalar(stored)


def cell_of(value: Any) -> str:
    """How the value is written."""
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, date) else str(_scalar(value))


def _day(stored: Any) -> date | None:
    if not isinstance(stored, str) or not _DAY.fullmatch(stored):
        return None
    try:
        return date.fromisoformat(stored)
    except ValueError:
        return None


def _scalar(stored: Any) -> str | None:
    if isinstance(stored, bool):
        return "true" if stored else "false"
    if isinstance(stored, Decimal):
        return format(stored, "f")
    return stored if isinstance(stored, str) else None
