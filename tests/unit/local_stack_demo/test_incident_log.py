from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from local_stack.demo.incident_log import CUT, IncidentLog, in_order, read_log, ticket

ROW = {
    "number": "INC0000045",
    "incident_state": "New",
    "priority": "3 - Moderate",
    "opened_at": "29-02-2016 01:16",
    "sys_updated_at": "29-02-2016 01:23",
    "resolved_at": "01-03-2016 11:29",
    "closed_at": "05-03-2016 12:00",
    "made_sla": "TRUE",
    "category": "Category 55",
    "subcategory": "Subcategory 170",
    "u_symptom": "Symptom 72",
    "impact": "2 - Medium",
    "urgency": "2 - Medium",
    "location": "Location 143",
    "reopen_count": "0",
    "problem_id": "?",
    "caller_id": "Caller 2403",
    "opened_by": "Opened by  8",
    "assigned_to": "?",
    "assignment_group": "Group 56",
}
OPENED = datetime(2016, 2, 29, 1, 16, tzinfo=UTC)


@pytest.fixture(scope="module")
def log() -> IncidentLog:
    return read_log()


def test_the_log_is_complete_and_in_order(log: IncidentLog) -> None:
    assert len(log.rows) == 5998
    assert len({row["number"] for row in log.rows}) == 890
    # The file itself has one pair of updates the wrong way round.
    times = [datetime.strptime(row["sys_updated_at"], "%d-%m-%Y %H:%M").replace(tzinfo=UTC) for row in log.rows]
    assert times == sorted(times)


def test_at_the_cut_every_ticket_exists_and_most_are_open(log: IncidentLog) -> None:
    tickets = log.at_cut()
    assert len(tickets) == len({found.id for found in tickets}) == 890
    assert sum(found.status not in ("resolved", "closed") for found in tickets) == 564
    assert max(found.last_modification_time for found in tickets) < CUT


def test_after_the_cut_everything_is_closed_in_the_end(log: IncidentLog) -> None:
    events = log.after_cut()
    assert len(events) == 3450
    assert events[0].last_modification_time >= CUT
    final = {found.id: found.status for found in (*log.at_cut(), *events)}
    assert Counter(final.values()) == {"closed": 890}


def test_ties_in_one_minute_keep_the_files_order() -> None:
    rows = [{**ROW, "incident_state": state} for state in ("Active", "New", "Resolved")]
    assert [row["incident_state"] for row in in_order(rows).rows] == ["Active", "New", "Resolved"]


def test_references_lead_somewhere(log: IncidentLog) -> None:
    teams, staff, callers = set(log.teams()), {person.id for person in log.staff()}, set(log.callers())
    for found in (*log.at_cut(), *log.after_cut()):
        assert found.owning_team_id is None or found.owning_team_id in teams
        assert {found.assignee_id, found.created_by_staff_id} - {None} <= staff
        assert found.contact_id in callers
    assert {team for team, _ in log.memberships()} <= teams
    assert {member for _, member in log.memberships()} <= staff


def test_usernames_are_unique_and_readable(log: IncidentLog) -> None:
    names = Counter(person.username for person in log.staff())
    assert names["opened-by-8"] == names["resolver-170"] == 1
    assert set(names.values()) == {1}


def test_a_row_becomes_a_ticket() -> None:
    found = ticket(ROW, as_of=OPENED)
    assert (found.id, found.title) == (45, "Category 55: Subcategory 170 (Symptom 72)")
    assert (found.status, found.priority, found.contact_id) == ("new", "moderate", 2403)
    assert found.custom == '{"location": "Location 143", "impact": "2 - Medium", "urgency": "2 - Medium"}'
    assert found.creation_time == OPENED
    assert found.last_modification_time == OPENED + timedelta(minutes=7)
    assert found.assignee_id is None
    assert found.owning_team_id is not None
    assert found.tags == ()


def test_what_is_unknown_is_left_out() -> None:
    row = {**ROW, "category": "?", "subcategory": "?", "u_symptom": "?", "location": "?"}
    found = ticket(row, as_of=OPENED)
    assert found.title == "Uncategorised: general"
    assert found.category is None
    assert "location" not in found.custom


def test_reopened_and_linked_incidents_are_tagged() -> None:
    assert ticket({**ROW, "reopen_count": "2", "problem_id": "Problem ID  2"}, as_of=OPENED).tags == (
        "reopened",
        "problem",
    )


@pytest.mark.parametrize(
    ("state", "resolved", "closed"),
    [("Active", False, False), ("Resolved", True, False), ("Closed", True, True)],
)
def test_the_end_is_not_known_before_it_comes(state: str, *, resolved: bool, closed: bool) -> None:
    """The log repeats the final times in every row."""
    found = ticket({**ROW, "incident_state": state}, as_of=OPENED)
    assert (found.resolved_at is not None, found.closed_at is not None) == (resolved, closed)


DUE = OPENED + timedelta(hours=90)
LATER = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("state", "kept", "as_of", "sla_status"),
    [
        ("Active", "TRUE", DUE, "on_track"),
        ("Active", "TRUE", DUE + LATER, "breached"),
        ("Resolved", "TRUE", DUE, "completed"),
        ("Resolved", "TRUE", DUE + LATER, "breached"),
        ("Closed", "TRUE", DUE + LATER, "completed"),
        ("Closed", "FALSE", DUE - LATER, "breached"),
    ],
)
def test_service_levels(state: str, kept: str, as_of: datetime, sla_status: str) -> None:
    found = ticket({**ROW, "incident_state": state, "made_sla": kept}, as_of=as_of)
    assert (found.sla_due_at, found.sla_status) == (DUE, sla_status)
    assert (found.sla_breached_at is not None) == (sla_status == "breached")
    if found.sla_breached_at:
        assert found.sla_breached_at <= as_of
