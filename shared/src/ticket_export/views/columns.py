"""The columns that an export can have: one entry each."""

from dataclasses import dataclass

from ticket_export.views.cells import CellType
from ticket_export.views.labels import ASSIGNEE, CONTACT, CREATOR, LANGUAGE, PRIORITY, STATUS, TEAM, LabelTable
from ticket_export.views.reading import Expression, Reading, labelled, plain

PERSON_NAME = "nullif(btrim(concat_ws(' ', {row}.first_name, {row}.last_name)), '')"
_TASKS = "count(*) FILTER (WHERE r.is_closed) || ' / ' || count(*)"
_OF_TICKET = "r.ticket_id = t.id AND r.deleted_at IS NULL"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its cell is ``expression``.

    ``least_bytes`` is what its cell has at least without quotes, None when there may be none at all; ``usual_bytes`` a
    generous estimate with them.
    ``unbounded`` marks free text, which may be longer than a spreadsheet's cell.
    """

    name: str
    label: str
    type: CellType
    expression: Expression
    least_bytes: int | None = None
    usual_bytes: int = 24
    unbounded: bool = False


def contact_value(sql: str) -> str:
    """Return an expression over the contact's ``{row}`` that is NULL for a soft-deleted one."""
    return f"CASE WHEN {{row}}.deleted_at IS NULL THEN {sql} END"


def _or_stored(label: LabelTable) -> Expression:
    def expression(reading: Reading) -> str:
        return f"coalesce({labelled(label, '{row}.label')(reading)}, t.{label.reference})"

    return expression


def _snoozed(reading: Reading) -> str:
    return f"coalesce(t.snoozed_until > {reading.now}, false)"


def _tasks(reading: Reading) -> str:
    return reading.lookup("ticket_tasks", _TASKS, _OF_TICKET)


def _text(name: str, label: str, expression: Expression, *, usual_bytes: int = 24, unbounded: bool = False) -> Column:
    return Column(name, label, CellType.TEXT, expression, usual_bytes=usual_bytes, unbounded=unbounded)


def _instant(name: str, label: str, *, least_bytes: int | None = None) -> Column:
    return Column(name, label, CellType.TIMESTAMP, plain(f"t.{name}"), least_bytes=least_bytes, usual_bytes=30)


def _identifier(name: str, label: str) -> Column:
    return Column(name, label, CellType.TOKEN, plain(f"t.{name}"), usual_bytes=38)


_ALL = (
    Column("id", "Ticket ID", CellType.NUMBER, plain("t.id"), least_bytes=1, usual_bytes=12),
    Column("title", "Title", CellType.TEXT, plain("t.title"), least_bytes=0, usual_bytes=120, unbounded=True),
    _text("status", "Status", _or_stored(STATUS)),
    _text("priority", "Priority", _or_stored(PRIORITY)),
    _text("language", "Language", _or_stored(LANGUAGE)),
    _text("category", "Category", plain("t.category"), usual_bytes=40, unbounded=True),
    _text("assignee_name", "Assignee", labelled(ASSIGNEE, PERSON_NAME), usual_bytes=40),
    _text("owning_team_name", "Team", labelled(TEAM, "{row}.name"), usual_bytes=40),
    Column("contact_id", "Contact ID", CellType.NUMBER, plain("t.contact_id"), usual_bytes=12),
    _text("contact_name", "Contact", labelled(CONTACT, contact_value(PERSON_NAME)), usual_bytes=40),
    _text("sla_status", "SLA Status", plain("t.sla_status")),
    _instant("sla_due_at", "SLA Due"),
    _instant("creation_time", "Created", least_bytes=19),
    _instant("last_modification_time", "Last Updated"),
    _instant("closed_at", "Closed"),
    _text("tags", "Tags", plain("array_to_string(t.tags, ', ')"), usual_bytes=60, unbounded=True),
    _text("created_by_name", "Created By", labelled(CREATOR, PERSON_NAME), usual_bytes=40),
    _text("description", "Description", plain("t.description"), usual_bytes=1000, unbounded=True),
    Column("is_snoozed", "Snoozed", CellType.BOOLEAN, _snoozed, least_bytes=4, usual_bytes=7),
    _instant("snoozed_until", "Snoozed Until"),
    Column("tasks", "Tasks", CellType.TOKEN, _tasks, least_bytes=5, usual_bytes=12),
    _text("contact_email", "Contact Email", labelled(CONTACT, contact_value("{row}.email")), usual_bytes=50),
    _text("contact_first_name", "Contact First Name", labelled(CONTACT, contact_value("{row}.first_name"))),
    _text("contact_last_name", "Contact Last Name", labelled(CONTACT, contact_value("{row}.last_name"))),
    _identifier("assignee_id", "Assignee ID"),
    _identifier("owning_team_id", "Team ID"),
    _identifier("created_by_staff_id", "Created By ID"),
    _instant("resolved_at", "Resolved"),
)

COLUMNS: dict[str, Column] = {column.name: column for column in _ALL}

DEFAULT_COLUMNS: tuple[str, ...] = (
    "id",
    "title",
    "status",
    "priority",
    "assignee_name",
    "contact_id",
    "sla_due_at",
    "creation_time",
)
