"""How values read on a page. Pure."""

from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

_UNITS = ("bytes", "kB", "MB", "GB", "TB")
_STEP = 1000
_MINUTE_SECONDS = 60
_HOUR_SECONDS = 3600


def number(value: int) -> str:
    """12345 → 12,345."""
    return f"{value:,}"


def plural(count: int, one: str, many: str) -> str:
    """2, ticket, tickets → 2 tickets."""
    return f"{number(count)} {one if count == 1 else many}"


def size(value: int) -> str:
    """Bytes in decimal units: 1234567 → 1.2 MB."""
    if value < _STEP:
        return plural(value, "byte", "bytes")
    amount, unit = float(value), 0
    while amount >= _STEP and unit < len(_UNITS) - 1:
        amount, unit = amount / _STEP, unit + 1
    return f"{amount:.1f} {_UNITS[unit]}"


def duration(seconds: int) -> str:
    """About how long: 75 → 1 min 15 s."""
    if seconds < _MINUTE_SECONDS:
        return f"{seconds} s"
    if seconds < _HOUR_SECONDS:
        return f"{seconds // _MINUTE_SECONDS} min {seconds % _MINUTE_SECONDS} s"
    return f"{seconds // _HOUR_SECONDS} h {seconds % _HOUR_SECONDS // _MINUTE_SECONDS} min"


def instant(value: datetime, *, seconds: bool = True) -> Markup:
    """Return a time element in UTC, as the files have it."""
    utc = value.astimezone(UTC)
    text = utc.strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")
    return Markup('<time datetime="{}">{}</time>').format(utc.isoformat(timespec="seconds"), text)


def cell(value: Any) -> Any:
    """Return a ticket's value for a table."""
    if value is None:
        return Markup("")
    if isinstance(value, bool):
        return "true" if value else "false"
    return instant(value, seconds=False) if isinstance(value, datetime) else value
