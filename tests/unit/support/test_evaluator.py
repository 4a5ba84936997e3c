"""The independent evaluator itself, against expectations worked out by hand."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from support.evaluator import Evaluator
from support.evaluator.days import Stretch, beginning, moved, stretch_of
from support.evaluator.guard import guarded

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


class Ascii:
    """For texts of which PostgreSQL would say the same."""

    def lower(self, texts: list[str]) -> list[str]:
        return [text.lower() for text in texts]

    def sort(self, texts: list[str]) -> list[str]:
        return sorted(texts)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("zone", "day", "begins"),
    [
        ("Europe/Berlin", "2024-03-31", "2024-03-30T23:00Z"),
        ("Europe/Berlin", "2024-04-01", "2024-03-31T22:00Z"),
        # Midnight is skipped.
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00Z"),
        # Midnight is skipped by a change that came before it.
        ("America/Toronto", "1919-03-31", "1919-03-31T04:30Z"),
        # The day begins, and a minute later it is the day before again.
        ("America/St_Johns", "2010-11-07", "2010-11-07T02:30Z"),
        # The 30th never came.
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00Z"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00Z"),
    ],
)
def test_a_day_begins_when_its_date_first_does(zone: str, day: str, begins: str) -> None:
    assert beginning(date.fromisoformat(day), ZoneInfo(zone)) == instant(begins)


@pytest.mark.parametrize(
    ("request_at", "amount", "unit", "there"),
    [
        ("2024-03-31T10:00+02:00", -1, "months", "2024-02-29T10:00+01:00"),
        ("2024-03-30T02:30+01:00", 1, "days", "2024-03-31T02:30+01:00"),
        ("2024-10-26T02:30+02:00", 1, "days", "2024-10-27T02:30+02:00"),
        ("2024-10-27T02:30+01:00", -364, "days", "2023-10-29T02:30+02:00"),
        ("2024-03-31T01:30+01:00", 1, "hours", "2024-03-31T03:30+02:00"),
    ],
)
def test_hours_pass_and_days_and_months_move_the_clock(request_at: str, amount: int, unit: str, there: str) -> None:
    assert moved(instant(request_at), amount, unit, BERLIN) == instant(there)


@pytest.mark.parametrize(
    ("preset", "first", "last"),
    [
        ("this_week", "2024-03-31", "2024-04-06"),
        ("last_week", "2024-03-24", "2024-03-30"),
        ("last_month", "2024-02-01", "2024-02-29"),
        ("next_month", "2024-04-01", "2024-04-30"),
        ({"preset": "days_ago", "amount": 1}, "2024-03-30", "2024-03-30"),
    ],
)
def test_weeks_begin_on_sunday_and_the_zone_says_which_day_it_is(preset: Any, first: str, last: str) -> None:
    late_on_saturday = instant("2024-03-30T23:30Z")
    expected = Stretch(date.fromisoformat(first), date.fromisoformat(last))
    assert stretch_of(preset, late_on_saturday, BERLIN) == expected


def test_the_guard() -> None:
    changed = ["=1", "+1-1", "-", "@x", "\t", "\r", "\n", "＝1", "-1e5", "+49 30", "-1,5"]
    assert [guarded(text) for text in changed] == ["'" + text for text in changed]
    same = ["", "-12.5", "+5", "+4930123456", "'=1", " =1", "1=1"]
    assert [guarded(text) for text in same] == same


def ticket(number: int, **columns: Any) -> dict[str, Any]:
    empty = dict.fromkeys(
        (
            *("description", "priority", "language", "category", "owning_team_id", "assignee_id"),
            *("created_by_staff_id", "contact_id", "last_modification_time", "closed_at", "resolved_at"),
            *("sla_due_at", "sla_breached_at", "snoozed_until", "sla_status", "deleted_at"),
        )
    )
    plain = {"title": "t", "status": "new", "tags": [], "creation_time": NOON, "custom": "{}"}
    return {"id": number, **empty, **plain, **columns}


def ids(tickets: list[dict[str, Any]], **payload: Any) -> list[int]:
    names = ("priorities", "languages", "staff", "teams", "ticket_tasks", "comments", "attachments", "followers")
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    tables["statuses"] = [{"developer_name": "new", "label": "New", "status_type": "open", "sort_order": 1}]
    person = {"first_name": "A", "last_name": None, "email": None, "phone": None, "organization_account": None}
    tables["contacts"] = [{"id": 1, **person, "deleted_at": None}, {"id": 2, **person, "deleted_at": NOON}]
    return Evaluator({**tables, "tickets": tickets}, Ascii()).evaluate(payload, NOON).ids


def found(tickets: list[dict[str, Any]], field: str, operator: str, *value: Any) -> set[int]:
    condition = {"field": field, "operator": operator, **({"value": value[0]} if value else {})}
    return set(ids(tickets, filters=[{"all": [condition]}]))


def test_no_value_satisfies_the_negatives_and_emptiness_only() -> None:
    tickets = [ticket(1), ticket(2, category="a"), ticket(3, category="")]
    assert found(tickets, "category", "neq", "A") == {1, 3}
    assert found(tickets, "category", "not_contains", "a") == {1, 3}
    assert found(tickets, "category", "eq", "A") == {2}
    assert found(tickets, "category", "isnull") == {1, 3}
    assert found(tickets, "priority", "is_none_of", ["x"]) == {1, 2, 3}
    assert found(tickets, "closed_at", "is_before", "today") == set()


def test_contact_fields_need_a_contact_that_is_not_deleted() -> None:
    tickets = [ticket(1), ticket(2, contact_id=1), ticket(3, contact_id=2), ticket(4, contact_id=3)]
    assert found(tickets, "contact.last_name", "neq", "x") == {2}
    assert found(tickets, "contact.last_name", "is_empty") == {2}
    assert found(tickets, "has_contact", "is_true") == {2, 3, 4}


def test_any_tag_for_the_positives_and_none_for_the_negatives() -> None:
    tickets = [ticket(1), ticket(2, tags=["a", "b"]), ticket(3, tags=["", "c"]), ticket(4, tags=[""])]
    assert found(tickets, "tags", "eq", "B") == {2}
    assert found(tickets, "tags", "neq", "b") == {1, 3, 4}
    assert found(tickets, "tags", "is_empty") == {1, 4}


def test_a_group_needs_all_of_all_and_one_of_any() -> None:
    tickets = [ticket(number, title=title) for number, title in enumerate(("ab", "ac", "bc"), start=1)]
    a, b, c = ({"field": "title", "operator": "contains", "value": text} for text in "abc")
    assert set(ids(tickets, filters=[{"all": [a], "any": [b, c]}])) == {1, 2}
    assert set(ids(tickets, filters=[{"all": [a], "any": []}, {"any": [c]}])) == {2}


@pytest.mark.parametrize(
    ("field", "ascending", "descending"),
    [
        ("sla_due_at", [2, 1, 3], [3, 1, 2]),
        ("closed_at", [1, 3, 2], [2, 3, 1]),
        ("contact_id", [2, 1, 3], [2, 3, 1]),
        ("category", [1, 3, 2], [2, 3, 1]),
    ],
)
def test_where_no_value_stands(field: str, ascending: list[int], descending: list[int]) -> None:
    tickets = [ticket(1), ticket(3), ticket(2, sla_due_at=NOON, closed_at=NOON, contact_id=7, category="x")]
    assert ids(tickets, sort=[{"field": field, "direction": "asc"}]) == ascending
    assert ids(tickets, sort=[{"field": field, "direction": "desc"}]) == descending


def test_snoozed_tickets_are_left_out_of_what_is_open() -> None:
    tickets = [ticket(1), ticket(2, snoozed_until=NOON), ticket(3, snoozed_until=NOON.replace(hour=13))]
    assert set(ids(tickets, scope="open")) == {1, 2}
    assert set(ids(tickets, scope="open", quick_filters={"snooze": "any"})) == {1, 2, 3}
    assert ids(tickets, scope="open", quick_filters={"snooze": "snoozed"}) == [3]
    assert ids(tickets, scope="snoozed") == [3]
    assert set(ids(tickets)) == {1, 2, 3}
