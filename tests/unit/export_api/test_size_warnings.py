"""What does not fit into a spreadsheet, said once it is known and only where it matters."""

import pytest

from export_api.size_warnings import size_warnings
from ticket_export.views.profiles import ProfileName

LAST_ROW = 1_048_576 - 1  # the header has the first


@pytest.mark.parametrize(
    ("profile", "rows", "oversized", "told"),
    [
        ("spreadsheet", None, None, {}),
        ("spreadsheet", 0, 0, {}),
        ("spreadsheet", LAST_ROW, 0, {}),
        ("spreadsheet", LAST_ROW + 1, 0, {"too_many_rows": 1}),
        ("spreadsheet", 5, 3, {"oversized_cells": 3}),
        ("spreadsheet", LAST_ROW + 2_000, 1, {"oversized_cells": 1, "too_many_rows": 2_000}),
        ("machine", LAST_ROW + 2_000, 1, {}),
    ],
)
def test_what_does_not_fit_is_counted(
    profile: ProfileName, rows: int | None, oversized: int | None, told: dict[str, int]
) -> None:
    warnings = size_warnings(profile, rows=rows, oversized_cells=oversized)
    assert {warning.code: warning.count for warning in warnings} == told


def test_it_is_said_in_words() -> None:
    one, many = (size_warnings("spreadsheet", rows=1, oversized_cells=count)[0].message for count in (1, 2_000))
    assert one.startswith("1 cell is longer than the 32,767 characters")
    assert many.startswith("2,000 cells are longer")
    [rows] = size_warnings("spreadsheet", rows=LAST_ROW + 2_000, oversized_cells=0)
    assert rows.message.startswith("2,000 tickets are beyond the 1,048,575 that fit")
