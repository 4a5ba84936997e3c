"""Search: a text in any of the selected columns that are searchable, as their cells show it, without regard to case."""

from collections.abc import Callable, Sequence

from ticket_export.views.columns import COLUMNS
from ticket_export.views.literals import text
from ticket_export.views.reading import Reading
from ticket_export.views.text_order import folded

LONGEST_SEARCH = 200

SEARCHABLE: tuple[str, ...] = (
    "title",
    "description",
    "category",
    "status",
    "priority",
    "id",
    "contact_id",
    "contact_name",
    "assignee_name",
    "owning_team_name",
    "created_by_name",
    "tags",
)

# Searched when none of the selected columns is searchable: how each is compared.
FALLBACK: dict[str, Callable[[Reading, str], str]] = {
    "title": lambda reading, sought: _inside("title", reading, sought),
    "description": lambda reading, sought: _inside("description", reading, sought),
    "id": lambda reading, sought: _inside("id", reading, sought),
    "contact_id": lambda reading, sought: f"{COLUMNS['contact_id'].expression(reading)}::text = {text(sought)}",
    "contact_name": lambda reading, sought: _inside("contact_name", reading, sought),
}


def _inside(column: str, reading: Reading, sought: str) -> str:
    cell = f"({COLUMNS[column].expression(reading)})::text"
    return f"strpos({folded(cell)}, {folded(text(sought))}) > 0"


def found(reading: Reading, sought: str, columns: Sequence[str]) -> str:
    """Return the condition that a ticket is found, as one group in parentheses."""
    selected = [name for name in columns if name in SEARCHABLE]
    if selected:
        conditions = [_inside(name, reading, sought) for name in selected]
    else:
        conditions = [compare(reading, sought) for compare in FALLBACK.values()]
    return f"({' OR '.join(conditions)})"
