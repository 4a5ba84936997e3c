"""Days, presets and rolling spans, resolved at the instant of the request in the view's time zone. Pure; no clock."""

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from ticket_export.views.faults import ViewError, unknown

GREATEST_AMOUNT = 100_000
_RESOLUTION = timedelta(microseconds=1)
_DAY = timedelta(days=1)
_DAY_FORM = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Whole days from ``first`` up to, not including, ``end``."""

    first: date
    end: date


@dataclass(frozen=True, slots=True)
class Span:
    """From ``start`` to ``end``, both included."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Preset:
    """A named stretch, counted from the day of the request; ``takes_amount`` says whether it needs a number."""

    resolve: Callable[[date, int], Stretch]
    takes_amount: bool = False


def _days(first: date, count: int = 1) -> Stretch:
    return Stretch(first, first + count * _DAY)


def _week(today: date, weeks: int) -> Stretch:
    # isoweekday(): Sunday is 7, and weeks begin on it.
    return _days(today + timedelta(days=7 * weeks - today.isoweekday() % 7), 7)


def _months_later(day: date, months: int) -> date:
    """Move a day by months; one that the month lacks becomes its last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= date.max.year:
        raise OverflowError("outside the years 1 to 9999")
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _month(today: date, months: int) -> Stretch:
    first = today.replace(day=1)
    return Stretch(_months_later(first, months), _months_later(first, months + 1))


PRESETS: dict[str, Preset] = {
    "today": Preset(lambda today, _: _days(today)),
    "yesterday": Preset(lambda today, _: _days(today - _DAY)),
    "tomorrow": Preset(lambda today, _: _days(today + _DAY)),
    "this_week": Preset(lambda today, _: _week(today, 0)),
    "last_week": Preset(lambda today, _: _week(today, -1)),
    "next_week": Preset(lambda today, _: _week(today, 1)),
    "this_month": Preset(lambda today, _: _month(today, 0)),
    "last_month": Preset(lambda today, _: _month(today, -1)),
    "next_month": Preset(lambda today, _: _month(today, 1)),
    "days_ago": Preset(lambda today, amount: _days(today - amount * _DAY), takes_amount=True),
    "days_from_now": Preset(lambda today, amount: _days(today + amount * _DAY), takes_amount=True),
}
EXACT_DATE = "exact_date"

# How far a rolling span reaches: the instant, moved by so many units of the wall clock in the time zone.
UNITS: dict[str, Callable[[datetime, int, ZoneInfo], datetime]] = {
    "hours": lambda at, amount, _: at + timedelta(hours=amount),
    "days": lambda at, amount, zone: _move_wall_clock(at, zone, lambda day: day + timedelta(days=amount)),
    "months": lambda at, amount, zone: _move_wall_clock(at, zone, lambda day: _months_later(day, amount)),
}


def _move_wall_clock(at: datetime, zone: ZoneInfo, move: Callable[[date], date]) -> datetime:
    local = at.astimezone(zone)
    # The second of two equal hours is no part of the time of day that is moved.
    return datetime.combine(move(local.date()), local.time().replace(fold=0), tzinfo=zone).astimezone(UTC)


def resolve_stretch(value: Any, requested_at: datetime, zone: ZoneInfo) -> Stretch:
    """Return the days that a date value means; raise ViewError for anything else."""
    today = requested_at.astimezone(zone).date()
    try:
        match value:
            case str() if value in PRESETS and not PRESETS[value].takes_amount:
                return PRESETS[value].resolve(today, 0)
            case str():
                return _days(parse_day(value))
            case {"preset": "exact_date", "date": str(day)} if len(value) == 2:  # noqa: PLR2004 - the two that are matched
                return _days(parse_day(day))
            case {"preset": str(name)} if name in PRESETS:
                return PRESETS[name].resolve(today, _amount(value, PRESETS[name]))
            case {"preset": name}:
                raise unknown("preset", name, [*PRESETS, EXACT_DATE])
    except OverflowError as error:
        raise ViewError("the date is outside the years 1 to 9999") from error
    raise ViewError(_EXPECTED)


_EXPECTED = (
    'a date is a day like "2024-05-01", a preset like "today", or an object like {"preset": "days_ago", "amount": 3};'
    f" presets: {', '.join([*PRESETS, EXACT_DATE])}"
)


def _amount(value: Mapping[str, Any], preset: Preset) -> int:
    wanted = {"preset", "amount"} if preset.takes_amount else {"preset"}
    if set(value) != wanted:
        raise ViewError(f"this preset takes exactly {' and '.join(sorted(wanted))}")
    return _whole_number(value["amount"], least=0) if preset.takes_amount else 0


def _whole_number(value: Any, *, least: int) -> int:
    if type(value) is not int or not least <= value <= GREATEST_AMOUNT:
        raise ViewError(f"amount is a whole number from {least} to {GREATEST_AMOUNT}")
    return value


def parse_day(value: str) -> date:
    """Read YYYY-MM-DD; raise ViewError for anything else."""
    # fromisoformat() alone would also take 20240501 and 2024-W18-3.
    if _DAY_FORM.fullmatch(value):
        with suppress(ValueError):
            return date.fromisoformat(value)
    raise ViewError(f"{value!r} is no day; {_EXPECTED}")


def resolve_span(value: Any, direction: int, requested_at: datetime, zone: ZoneInfo) -> Span:
    """Return the span from the request into the past (``direction`` -1) or the future (1); raise ViewError."""
    if not isinstance(value, dict) or set(value) != {"amount", "unit"}:
        raise ViewError(f'the value is an object like {{"amount": 7, "unit": "days"}}; units: {", ".join(UNITS)}')
    amount = _whole_number(value["amount"], least=1)
    if not isinstance(value["unit"], str) or value["unit"] not in UNITS:
        raise unknown("unit", value["unit"], UNITS)
    try:
        other = UNITS[value["unit"]](requested_at, direction * amount, zone)
    except (OverflowError, ValueError) as error:
        raise ViewError("the date is outside the years 1 to 9999") from error
    return Span(min(other, requested_at), max(other, requested_at))


def day_begins(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which a day's date first comes in the time zone."""
    midnight = datetime.combine(day, time(), tzinfo=zone)
    first, last = sorted(midnight.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if first.astimezone(zone).date() >= day:
        return first
    # The change of clocks skipped midnight: the day begins where they were changed, somewhere between the two readings.
    while last - first > _RESOLUTION:
        middle = first + (last - first) / 2
        if middle.astimezone(zone).date() >= day:
            last = middle
        else:
            first = middle
    return last


@lru_cache(maxsize=1)
def time_zones() -> frozenset[str]:
    """Return the IANA names that a view may use."""
    return frozenset(available_timezones()) - {"localtime", "Factory"}
