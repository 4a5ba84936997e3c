"""Days and stretches of days in a time zone: when they begin, and which instants are so far from a request."""

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)
_PLAIN = {"today": 0, "yesterday": -1, "tomorrow": 1}
_WEEKS = {"last_week": -1, "this_week": 0, "next_week": 1}
_MONTHS = {"last_month": -1, "this_month": 0, "next_month": 1}


@dataclass(frozen=True)
class Stretch:
    """Whole days, both included."""

    first: date
    last: date


def stretch_of(value: str | dict[str, Any], requested_at: datetime, zone: ZoneInfo) -> Stretch:
    """The days that a date of a condition means."""
    today = requested_at.astimezone(zone).date()
    if isinstance(value, dict):
        return _with_argument(value, today, requested_at, zone)
    if value in _PLAIN:
        return _one(today + _PLAIN[value] * ONE_DAY)
    if value in _WEEKS:
        sunday = today - (today.isoweekday() % 7) * ONE_DAY + _WEEKS[value] * 7 * ONE_DAY
        return Stretch(sunday, sunday + 6 * ONE_DAY)
    if value in _MONTHS:
        first = months_later(today.replace(day=1), _MONTHS[value])
        return Stretch(first, months_later(first, 1) - ONE_DAY)
    return _one(date.fromisoformat(value))


def _with_argument(value: dict[str, Any], today: date, requested_at: datetime, zone: ZoneInfo) -> Stretch:
    match value["preset"]:
        case "days_ago":
            return _one(today - int(value["amount"]) * ONE_DAY)
        case "days_from_now":
            return _one(today + int(value["amount"]) * ONE_DAY)
        case "exact_date":
            return _one(date.fromisoformat(value["date"]))
        case plain:
            return stretch_of(plain, requested_at, zone)


def _one(day: date) -> Stretch:
    return Stretch(day, day)


def months_later(day: date, months: int) -> date:
    """The same day of a later month, or that month's last."""
    years, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(years, month + 1, min(day.day, calendar.monthrange(years, month + 1)[1]))


def beginning(day: date, zone: ZoneInfo) -> datetime:
    """The first instant at which the zone's calendar shows that day, or a later one if it skips the day."""
    midnight = datetime.combine(day, time())
    # fold=0 is the first of two midnights, and in a gap the one by the offset before the change.
    instant = midnight.replace(tzinfo=zone).astimezone(UTC)
    if _wall(instant, zone) == midnight:
        return instant
    before, after = midnight.replace(tzinfo=zone, fold=1).astimezone(UTC), instant
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before).total_seconds() // 2)
        before, after = (before, middle) if _wall(middle, zone) >= midnight else (middle, after)
    return after


def moved(requested_at: datetime, amount: int, unit: str, zone: ZoneInfo) -> datetime:
    """The instant so many hours, days or months after the request; before it for a negative amount."""
    if unit == "hours":
        return requested_at.astimezone(UTC) + timedelta(hours=amount)
    wall = _wall(requested_at, zone)
    if unit == "months":
        wall = datetime.combine(months_later(wall.date(), amount), wall.time())
    else:
        wall += timedelta(days=amount)
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _wall(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)
