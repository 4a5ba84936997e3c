"""Requests at awkward instants, and instants near the borders that matter to them."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

REQUEST = datetime(2024, 3, 31, 0, 30, 15, 250_000, tzinfo=UTC)
BERLIN = "Europe/Berlin"
# Each is at or near a change of the clock in its zone, or at the end of a month or a year.
REQUESTS: tuple[tuple[datetime, str], ...] = (
    (REQUEST, BERLIN),
    (datetime(2024, 11, 3, 5, 59, 59, 999_999, tzinfo=UTC), "America/New_York"),
    (datetime(2018, 11, 4, 3, 0, tzinfo=UTC), "America/Sao_Paulo"),
    (datetime(2010, 11, 7, 3, 0, tzinfo=UTC), "America/St_Johns"),
    (datetime(2012, 1, 1, 0, 0, tzinfo=UTC), "Pacific/Apia"),
    (datetime(2024, 2, 29, 18, 14, 59, 1, tzinfo=UTC), "Asia/Kathmandu"),
)
ZONES = ("UTC", *(zone for _, zone in REQUESTS))
_NEAR = (timedelta(), timedelta(microseconds=-1), timedelta(microseconds=1), timedelta(minutes=40))
_HOURS = (1, 2, 24, 48)


def instants_near(request: datetime, zone: str) -> list[datetime]:
    """Beginnings of the days, weeks and months around a request, its own instant, and those so many hours away."""
    zone_info = ZoneInfo(zone)
    today = request.astimezone(zone_info).date()
    midnights = [datetime.combine(day, time(), zone_info).astimezone(UTC) for day in _days_near(today)]
    hours = [request + sign * timedelta(hours=number) for number in _HOURS for sign in (1, -1)]
    same_time = [(request.astimezone(zone_info) + timedelta(days=days)).astimezone(UTC) for days in (-3, -1, 1, 2)]
    return [centre + near for centre in (*midnights, request, *hours, *same_time) for near in _NEAR]


def _days_near(today: date) -> list[date]:
    days = [today + timedelta(days=number) for number in range(-3, 4)]
    sunday = today - timedelta(days=today.isoweekday() % 7)
    weeks = [sunday + timedelta(days=7 * number) for number in (-1, 0, 1, 2)]
    this_month = today.replace(day=1)
    last_month = (this_month - timedelta(days=1)).replace(day=1)
    next_month = (this_month + timedelta(days=32)).replace(day=1)
    month_after = (next_month + timedelta(days=32)).replace(day=1)
    return [*days, *weeks, this_month, last_month, next_month, month_after]


MAIN_INSTANTS = instants_near(REQUEST, BERLIN)
# The request is in the second of two equal hours; a span leads from it to an hour that comes twice or never.
IN_THE_SECOND_HOUR = datetime(2024, 10, 27, 1, 30, tzinfo=UTC)
MOVED_INSTANTS = [
    datetime(year, month, day, hour, minute, tzinfo=UTC)
    for year, month, day in ((2023, 10, 29), (2025, 3, 30))
    for hour, minute in ((0, 0), (1, 0), (2, 0))
]
OTHER_INSTANTS = [
    *(instant for request, zone in REQUESTS[1:] for instant in instants_near(request, zone)),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(9998, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]
