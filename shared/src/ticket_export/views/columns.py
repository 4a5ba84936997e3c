"""The columns that an export can have: one entry each."""

from dataclasses import dataclass
from enum import Enum, auto

from ticket_export.views.labels import ASSIGNEE, PRIORITY, STATUS, LabelTable


class ColumnType(Enum):
    """Decides how a cell is written: only text can hold a formula."""

    TEXT = auto()
    NUMBER = auto()
    TIMESTAMP = auto()


@dataclass(frozen=True, slots=True)
class Column:
    """One column: ``expression`` over the ticket ``t`` and the label tables that it needs.

    ``least_bytes`` is what a row writes at least for it (quotes included), ``usual_bytes`` a generous estimate.
    """

    name: str
    label: str
    type: ColumnType
    expression: str
    tables: tuple[LabelTable, ...] = ()
    least_bytes: int = 0
    usual_bytes: int = 24


_PERSON = "nullif(concat_ws(' ', {row}.first_name, {row}.last_name), '')"

_ALL = (
    Column("id", "Ticket ID", ColumnType.NUMBER, "t.id", least_bytes=3, usual_bytes=12),
    Column("title", "Title", ColumnType.TEXT, "t.title", least_bytes=2, usual_bytes=120),
    Column("status", "Status", ColumnType.TEXT, f"coalesce({STATUS.value('{row}.label')}, t.status)", (STATUS,)),
    Column(
        "priority", "Priority", ColumnType.TEXT, f"coalesce({PRIORITY.value('{row}.label')}, t.priority)", (PRIORITY,)
    ),
    Column("assignee_name", "Assignee", ColumnType.TEXT, ASSIGNEE.value(_PERSON), (ASSIGNEE,), usual_bytes=40),
    Column("contact_id", "Contact ID", ColumnType.NUMBER, "t.contact_id", usual_bytes=12),
    Column("sla_due_at", "SLA Due", ColumnType.TIMESTAMP, "t.sla_due_at"),
    Column("creation_time", "Created", ColumnType.TIMESTAMP, "t.creation_time", least_bytes=21),
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
