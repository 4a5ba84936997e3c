"""What of a file would not fit into a spreadsheet, in words for people. Pure; a file for programs has no such limits."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ticket_export.views.profiles import LONGEST_SPREADSHEET_CELL, MOST_SPREADSHEET_ROWS, ProfileName


@dataclass(frozen=True, slots=True)
class SizeWarning:
    """``count`` cells or rows do not fit; ``code`` is stable."""

    code: Literal["oversized_cells", "too_many_rows"]
    count: int
    message: str


def size_warnings(profile: ProfileName, *, rows: int | None, oversized_cells: int | None) -> tuple[SizeWarning, ...]:
    """Return what is known to be wrong; None is not counted yet."""
    return tuple(_warnings(rows or 0, oversized_cells or 0)) if profile == "spreadsheet" else ()


def _warnings(rows: int, oversized_cells: int) -> Iterator[SizeWarning]:
    if oversized_cells:
        longer = "1 cell is" if oversized_cells == 1 else f"{oversized_cells:,} cells are"
        yield SizeWarning(
            "oversized_cells",
            oversized_cells,
            f"{longer} longer than the {LONGEST_SPREADSHEET_CELL:,} characters that a spreadsheet's cell can hold."
            " The file has them whole; a spreadsheet cuts them.",
        )
    beyond = rows - MOST_SPREADSHEET_ROWS
    if beyond > 0:
        more = "1 ticket is" if beyond == 1 else f"{beyond:,} tickets are"
        yield SizeWarning(
            "too_many_rows",
            beyond,
            f"{more} beyond the {MOST_SPREADSHEET_ROWS:,} that fit under a sheet's header."
            " The file has them all; a spreadsheet leaves them out.",
        )
