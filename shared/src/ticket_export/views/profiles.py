"""How cells become CSV: quoting, byte-order mark, timestamps and the guard against formulas."""

import csv
import io
from typing import Literal

from pydantic import BaseModel, ConfigDict

from ticket_export.views.columns import Column, ColumnType
from ticket_export.views.literals import text

ProfileName = Literal["spreadsheet"]

BYTE_ORDER_MARK = "\N{BYTE ORDER MARK}"

# = + - @ TAB LF CR and the full-width forms of the first four start a formula (CWE-1236).
FORMULA_STARTS = (61, 43, 45, 64, 9, 10, 13, 0xFF1D, 0xFF0B, 0xFF0D, 0xFF20)
# A whole value that is a plain number or a phone number is no formula; "+1-1" is one.
HARMLESS = r"^([+-]?[0-9]+([.][0-9]+)?|[+][0-9]{7,15})$"


class CopyOptions(BaseModel):
    """What COPY … TO STDOUT (FORMAT csv) is told besides the query; a plan freezes it."""

    model_config = ConfigDict(frozen=True)

    delimiter: str
    force_quote: bool


def guarded(expression: str) -> str:
    """Return the SQL expression with an apostrophe before anything that a spreadsheet would run."""
    starts = ", ".join(map(str, FORMULA_STARTS))
    return (
        f"CASE WHEN ascii({expression}) IN ({starts}) THEN"
        f" CASE WHEN {expression} ~ {text(HARMLESS)} THEN {expression} ELSE '''' || ({expression}) END"
        f" ELSE {expression} END"
    )


def cell(column: Column, time_zone: str) -> str:
    """Return the SQL expression of one cell; a column's type decides, not its content."""
    expression = f"({column.expression})"
    match column.type:
        case ColumnType.TEXT:
            return guarded(expression)
        case ColumnType.TIMESTAMP:
            # date_trunc, since a cast to timestamp(0) rounds up.
            return f"date_trunc('second', {expression} AT TIME ZONE {text(time_zone)})"
        case ColumnType.NUMBER:
            return expression


def header(columns: tuple[Column, ...], *, delimiter: str, time_zone: str) -> str:
    """Return the first line of the file, its byte-order mark and line end included."""
    labels = [f"{c.label} ({time_zone})" if c.type is ColumnType.TIMESTAMP else c.label for c in columns]
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(labels)
    return BYTE_ORDER_MARK + line.getvalue()


def copy_options(delimiter: str) -> CopyOptions:
    """Return how COPY writes this profile.

    Every field is quoted: ``foo;=1+3;bar`` in a comma file is a live formula once it is opened with semicolons.
    """
    return CopyOptions(delimiter=delimiter, force_quote=True)
