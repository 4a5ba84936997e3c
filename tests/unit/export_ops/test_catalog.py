import pytest

from export_ops.source.catalog import TableState, obstacles
from ticket_export.source_contract import source_table

TEAMS = source_table("teams")
COLUMNS = frozenset({"id", "name", "colour"})


def state(
    *,
    columns: frozenset[str] = COLUMNS,
    has_history: bool = False,
    installed_columns: tuple[str, ...] | None = None,
) -> TableState:
    return TableState(columns, has_history, installed_columns)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ({}, "teams: there is no such table"),
        ({"teams": state(columns=frozenset({"colour"}))}, "teams: it lacks id, name"),
        ({"teams": state(columns=COLUMNS | {"valid_from"})}, "teams: it has a column valid_from that is not ours"),
        ({"teams": state(has_history=True)}, "teams: teams_history exists and is not ours"),
        (
            {"teams": state(installed_columns=("id",))},
            "teams: it was versioned with other columns; `ticket-export source sync` helps",
        ),
    ],
)
def test_an_obstacle_is_named(found: dict[str, TableState], reason: str) -> None:
    assert obstacles([TEAMS], found) == [reason]


def test_a_table_with_more_columns_than_ours_is_fine() -> None:
    assert obstacles([TEAMS], {"teams": state()}) == []


def test_a_table_that_is_versioned_already_is_fine() -> None:
    versioned = state(columns=COLUMNS | {"valid_from"}, has_history=True, installed_columns=TEAMS.column_names)
    assert obstacles([TEAMS], {"teams": versioned}) == []
