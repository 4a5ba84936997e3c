"""The helpdesk tables and columns that an export may read: what is versioned, what the compiler may name, nothing else.

Columns of the host that are not listed here may come, go and change without any effect on exports.
"""

from dataclasses import dataclass
from enum import StrEnum

HISTORY_SUFFIX = "_history"
VALID_FROM = "valid_from"
VALID_TO = "valid_to"


class SourceFault(StrEnum):
    """What our functions on the source raise, by SQLSTATE: why a snapshot cannot be read there."""

    PRUNED = "TX001"  # the history that it needs may be gone
    TOO_OLD = "TX002"  # a table was not versioned yet
    BROKEN = "TX003"  # versioning is off or damaged
    MOVED = "TX004"  # another cluster or timeline, or an earlier state of this one
    STANDBY = "TX005"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the contract, with the PostgreSQL type that the compiler casts it to."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class SourceTable:
    """One table of the contract.

    key is its primary key; order the columns by which statements page through it, newest first; lookups the other
    column lists by which they find its rows.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    order: tuple[str, ...] = ()
    lookups: tuple[tuple[str, ...], ...] = ()

    @property
    def history(self) -> str:
        """The table beside it that holds its old row versions."""
        return self.name + HISTORY_SUFFIX

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns, in the contract's order."""
        return tuple(column.name for column in self.columns)


def _columns(declaration: str) -> tuple[Column, ...]:
    """Columns from 'name type, name type, …'."""
    pairs = (item.split(maxsplit=1) for item in declaration.split(","))
    return tuple(Column(name.strip(), type_.strip()) for name, type_ in pairs)


CONTRACT: tuple[SourceTable, ...] = (
    SourceTable(
        "tickets",
        ("id",),
        _columns(
            "id bigint, title text, description text, status text, priority text, language text, category text,"
            "tags text[], owning_team_id uuid, assignee_id uuid, created_by_staff_id uuid, contact_id bigint,"
            "creation_time timestamptz, last_modification_time timestamptz, closed_at timestamptz,"
            "resolved_at timestamptz, sla_due_at timestamptz, sla_breached_at timestamptz, snoozed_until timestamptz,"
            "sla_status text, deleted_at timestamptz, custom jsonb"
        ),
        order=("creation_time", "id"),
    ),
    SourceTable(
        "contacts",
        ("id",),
        _columns(
            "id bigint, first_name text, last_name text, email text, phone text, organization_account text,"
            "deleted_at timestamptz"
        ),
    ),
    SourceTable(
        "staff",
        ("id",),
        _columns(
            "id uuid, username text, first_name text, last_name text, email text, is_admin boolean, is_active boolean"
        ),
        lookups=(("username",),),
    ),
    SourceTable("roles", ("id",), _columns("id uuid, developer_name text, label text, permissions integer")),
    SourceTable(
        "staff_roles", ("staff_id", "role_id"), _columns("staff_id uuid, role_id uuid"), lookups=(("role_id",),)
    ),
    SourceTable("teams", ("id",), _columns("id uuid, name text")),
    SourceTable(
        "team_members", ("team_id", "staff_id"), _columns("team_id uuid, staff_id uuid"), lookups=(("staff_id",),)
    ),
    SourceTable(
        "statuses",
        ("developer_name",),
        _columns("developer_name text, label text, status_type text, sort_order integer"),
    ),
    SourceTable("priorities", ("developer_name",), _columns("developer_name text, label text, sort_order integer")),
    SourceTable("languages", ("developer_name",), _columns("developer_name text, label text")),
    SourceTable("custom_fields", ("key",), _columns("key text, label text, type text")),
    SourceTable(
        "ticket_tasks",
        ("id",),
        _columns("id bigint, ticket_id bigint, title text, is_closed boolean, deleted_at timestamptz"),
        lookups=(("ticket_id",),),
    ),
    SourceTable(
        "comments",
        ("id",),
        _columns("id bigint, ticket_id bigint, author_id uuid, body text, creation_time timestamptz"),
        lookups=(("ticket_id",),),
    ),
    SourceTable(
        "attachments",
        ("id",),
        _columns("id bigint, ticket_id bigint, file_name text, creation_time timestamptz"),
        lookups=(("ticket_id",),),
    ),
    SourceTable(
        "followers", ("ticket_id", "staff_id"), _columns("ticket_id bigint, staff_id uuid"), lookups=(("staff_id",),)
    ),
    SourceTable(
        "views",
        ("id",),
        _columns("id uuid, name text, owner_id uuid, definition jsonb"),
        lookups=(("owner_id",),),
    ),
)


def source_table(name: str) -> SourceTable:
    """The contract's table of that name. Raises KeyError when the contract has none."""
    for table in CONTRACT:
        if table.name == name:
            return table
    raise KeyError(name)
