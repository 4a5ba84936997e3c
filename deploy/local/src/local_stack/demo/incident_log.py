"""Real incidents as tickets: how each stood after each of its updates. Pure; README.md says how fields are mapped."""

import csv
import gzip
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files

# All 890 incidents had been opened by then, and most were open: a good moment for a helpdesk to be found in.
CUT = datetime(2016, 3, 3, tzinfo=UTC)

UNKNOWN = "?"
STATUSES = {
    "New": "new",
    "Active": "active",
    "Awaiting User Info": "awaiting_user_info",
    "Awaiting Problem": "awaiting_problem",
    "Awaiting Vendor": "awaiting_vendor",
    "Awaiting Evidence": "awaiting_evidence",
    "Resolved": "resolved",
    "Closed": "closed",
}
PRIORITIES = {"1 - Critical": "critical", "2 - High": "high", "3 - Moderate": "moderate", "4 - Low": "low"}
# The log tells whether the agreement was kept, not what it was: these are where made_sla begins to be false.
SLA_HOURS = {"critical": 5, "high": 24, "moderate": 90, "low": 120}

_NAMESPACE = uuid.UUID("6f1c1f0a-3f5e-5b0c-9a5e-0d6f6c7b8a90")


@dataclass(frozen=True, slots=True)
class Person:
    """A staff member as the log names one: 'Resolver 170', 'Opened by 8'."""

    id: uuid.UUID
    username: str
    first_name: str
    last_name: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as it stood after one update; the fields are columns of the helpdesk's table."""

    id: int
    title: str
    description: str
    status: str
    priority: str
    language: str
    category: str | None
    tags: tuple[str, ...]
    owning_team_id: uuid.UUID | None
    assignee_id: uuid.UUID | None
    created_by_staff_id: uuid.UUID | None
    contact_id: int
    creation_time: datetime
    last_modification_time: datetime
    closed_at: datetime | None
    resolved_at: datetime | None
    sla_due_at: datetime
    sla_breached_at: datetime | None
    snoozed_until: None
    sla_status: str
    deleted_at: None
    custom: str


@dataclass(frozen=True, slots=True)
class IncidentLog:
    """The log's rows in the order in which they happened."""

    rows: tuple[Mapping[str, str], ...]

    def at_cut(self) -> list[Ticket]:
        """Return every ticket as it stood at the cut, by id."""
        latest = {row["number"]: row for row in self.rows if _updated_at(row) < CUT}
        return sorted((ticket(row, as_of=CUT) for row in latest.values()), key=lambda found: found.id)

    def after_cut(self) -> list[Ticket]:
        """Return the later updates in order, each as the ticket that it left."""
        return [ticket(row, as_of=_updated_at(row)) for row in self.rows if _updated_at(row) >= CUT]

    def teams(self) -> dict[uuid.UUID, str]:
        """Return the names of the assignment groups."""
        names = sorted({row["assignment_group"] for row in self.rows} - {UNKNOWN})
        return {_id("team", name): name for name in names}

    def staff(self) -> list[Person]:
        """Return everybody who opened an incident or was assigned one."""
        names = {row[column] for row in self.rows for column in ("opened_by", "assigned_to")} - {UNKNOWN}
        return [_person(name) for name in sorted(names)]

    def memberships(self) -> set[tuple[uuid.UUID, uuid.UUID]]:
        """Return (team, staff) of everybody who was ever assigned in a group."""
        pairs = {(row["assignment_group"], row["assigned_to"]) for row in self.rows}
        return {(_id("team", group), _id("staff", name)) for group, name in pairs if UNKNOWN not in (group, name)}

    def callers(self) -> dict[int, str | None]:
        """Return the location of each caller's first call, by contact id."""
        found: dict[int, str | None] = {}
        for row in self.rows:
            found.setdefault(_number(row["caller_id"]), _known(row["location"]))
        return found


def read_log() -> IncidentLog:
    """Read the log that comes with this package."""
    packed = files("local_stack.demo").joinpath("incident_event_log.csv.gz").read_bytes()
    return in_order(csv.DictReader(gzip.decompress(packed).decode().splitlines()))


def in_order(rows: Iterable[Mapping[str, str]]) -> IncidentLog:
    """Sort by the time of update; what happened in one minute stays in the file's order."""
    return IncidentLog(tuple(sorted(rows, key=_updated_at)))


def ticket(row: Mapping[str, str], *, as_of: datetime) -> Ticket:
    """Return the ticket that a row describes, its service level judged at ``as_of``."""
    status, priority = STATUSES[row["incident_state"]], PRIORITIES[row["priority"]]
    opened_at = _instant(row["opened_at"])
    sla_due_at = opened_at + timedelta(hours=SLA_HOURS[priority])
    sla_status = _sla_status(status, sla_due_at, as_of, kept=row["made_sla"] == "TRUE")
    over = status in ("resolved", "closed")
    return Ticket(
        id=_number(row["number"].removeprefix("INC")),
        title=_title(row),
        description=f"{row['number']}, reported by phone. Impact {row['impact']}, urgency {row['urgency']}.",
        status=status,
        priority=priority,
        language="en",
        category=_known(row["category"]),
        tags=_tags(row),
        owning_team_id=_optional_id("team", row["assignment_group"]),
        assignee_id=_optional_id("staff", row["assigned_to"]),
        created_by_staff_id=_optional_id("staff", row["opened_by"]),
        contact_id=_number(row["caller_id"]),
        creation_time=opened_at,
        last_modification_time=_updated_at(row),
        closed_at=_instant(row["closed_at"]) if status == "closed" else None,
        resolved_at=_instant(row["resolved_at"]) if over and row["resolved_at"] != UNKNOWN else None,
        sla_due_at=sla_due_at,
        sla_breached_at=min(sla_due_at, as_of) if sla_status == "breached" else None,
        snoozed_until=None,
        sla_status=sla_status,
        deleted_at=None,
        custom=_custom(row),
    )


def _sla_status(status: str, due_at: datetime, as_of: datetime, *, kept: bool) -> str:
    if status == "closed":
        return "completed" if kept else "breached"
    if as_of > due_at:
        return "breached"
    return "completed" if status == "resolved" else "on_track"


def _title(row: Mapping[str, str]) -> str:
    category, subcategory, symptom = (_known(row[name]) for name in ("category", "subcategory", "u_symptom"))
    title = f"{category or 'Uncategorised'}: {subcategory or 'general'}"
    return f"{title} ({symptom})" if symptom else title


def _tags(row: Mapping[str, str]) -> tuple[str, ...]:
    facts = {"reopened": row["reopen_count"] != "0", "problem": row["problem_id"] != UNKNOWN}
    return tuple(name for name, holds in facts.items() if holds)


def _custom(row: Mapping[str, str]) -> str:
    fields = {name: _known(row[name]) for name in ("location", "impact", "urgency")}
    return json.dumps({name: value for name, value in fields.items() if value})


def _person(name: str) -> Person:
    words = name.split()
    return Person(_id("staff", name), "-".join(words).lower(), " ".join(words[:-1]), words[-1])


def _updated_at(row: Mapping[str, str]) -> datetime:
    return _instant(row["sys_updated_at"])


def _instant(value: str) -> datetime:
    return datetime.strptime(value, "%d-%m-%Y %H:%M").replace(tzinfo=UTC)


def _number(value: str) -> int:
    return int(value.rsplit(maxsplit=1)[-1])


def _known(value: str) -> str | None:
    return None if value == UNKNOWN else value


def _id(kind: str, name: str) -> uuid.UUID:
    return uuid.uuid5(_NAMESPACE, f"{kind}: {' '.join(name.split())}")


def _optional_id(kind: str, name: str) -> uuid.UUID | None:
    return None if name == UNKNOWN else _id(kind, name)
