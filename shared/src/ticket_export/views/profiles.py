"""How cells become CSV: quoting, byte-order mark, instants and the guard against formulas, one profile per reader."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

from ticket_export.views.cells import CellType
from ticket_export.views.literals import text

ProfileName = Literal["spreadsheet", "machine"]
Delimiter = Literal[",", ";", "\t"]

BYTE_ORDER_MARK = "\N{BYTE ORDER MARK}"

# What a sheet holds, from Microsoft's "Excel specifications and limits": 32,767 characters in a cell and 1,048,576
# rows, one of which is the header. LibreOffice Calc has as many rows.
LONGEST_SPREADSHEET_CELL = 32_767
MOST_SPREADSHEET_ROWS = 1_048_575

# = + - @ TAB LF CR and the full-width forms of the first four start a formula (CWE-1236).
FORMULA_STARTS = (61, 43, 45, 64, 9, 10, 13, 0xFF1D, 0xFF0B, 0xFF0D, 0xFF20)
# A whole value that is a plain number or a phone number is no formula; "+1-1" is one.
HARMLESS = r"^([+-]?[0-9]+([.][0-9]+)?|[+][0-9]{7,15})$"


@dataclass(frozen=True, slots=True)
class Profile:
    """How one kind of reader wants its file; ``label`` and ``description`` are for people who choose."""

    name: ProfileName
    label: str
    description: str
    byte_order_mark: bool
    quotes_every_field: bool
    guards_text: bool
    headings: Literal["labels", "names"]
    instants: Literal["local seconds", "UTC microseconds"]


_ALL = (
    Profile(
        "spreadsheet",
        "Spreadsheet",
        "For Excel, LibreOffice and people: readable headings, times in your zone, nothing that runs as a formula.",
        byte_order_mark=True,
        # foo;=1+3;bar in a comma file is a live formula once it is opened with semicolons.
        quotes_every_field=True,
        guards_text=True,
        headings="labels",
        instants="local seconds",
    ),
    Profile(
        "machine",
        "Machine",
        "For programs: field names, exact values as stored, times in ISO 8601 UTC. Don't open it in a spreadsheet.",
        byte_order_mark=False,
        quotes_every_field=False,
        guards_text=False,
        headings="names",
        instants="UTC microseconds",
    ),
)

PROFILES: dict[ProfileName, Profile] = {profile.name: profile for profile in _ALL}


class CopyOptions(BaseModel):
    """What COPY … TO STDOUT (FORMAT csv) is told besides the query; a plan freezes it."""

    model_config = ConfigDict(frozen=True)

    delimiter: str
    force_quote: bool


class Headed(Protocol):
    """What a column says about its heading."""

    @property
    def name(self) -> str:
        """The field's name."""

    @property
    def label(self) -> str:
        """What people call it; a custom field's label is any text."""

    @property
    def type(self) -> CellType:
        """The kind of its cells."""


def cell(kind: CellType, expression: str, *, profile: ProfileName, time_zone: str) -> str:
    """Return the SQL expression of one cell; ``time_zone`` is an IANA name.

    Text that comes from few rows (labels, people) is best made a cell where those rows are read, below the join:
    there the guard costs next to nothing (docs/performance.md).
    """
    expression = f"({expression})"
    match kind:
        case CellType.TEXT:
            return guarded(expression) if PROFILES[profile].guards_text else expression
        case CellType.TIMESTAMP if PROFILES[profile].instants == "local seconds":
            return _local_seconds(expression, time_zone)
        case CellType.TIMESTAMP:
            return _utc_microseconds(expression)
        case CellType.BOOLEAN:
            # The cast says true and false; COPY by itself would say t and f.
            return f"{expression}::text"
        case CellType.TOKEN | CellType.NUMBER | CellType.DATE:
            return expression


def guarded(expression: str) -> str:
    """Return the SQL expression with an apostrophe before anything that a spreadsheet would run.

    It evaluates the expression twice, which is cheaper than any way of naming its value: a subquery per cell took
    four times as long.
    """
    starts = ", ".join(map(str, FORMULA_STARTS))
    return (
        f"CASE WHEN ascii({expression}) IN ({starts}) THEN"
        f" CASE WHEN {expression} ~ {text(HARMLESS)} THEN {expression} ELSE '''' || ({expression}) END"
        f" ELSE {expression} END"
    )


def guarded_text(value: str) -> str:
    """Return what ``guarded`` makes of a value in SQL, for text that is not read from a table."""
    value = value.lstrip("\x00")
    runs = bool(value) and ord(value[0]) in FORMULA_STARTS and not re.fullmatch(HARMLESS.strip("^$"), value)
    return f"'{value}" if runs else value


def oversized(expression: str) -> str:
    """Return the SQL condition, never NULL, that a text is too long for a sheet's cell once it is guarded.

    The first comparison reads no value that is stored out of line.
    """
    expression = f"({expression})"
    return (
        f"CASE WHEN octet_length({expression}) < {LONGEST_SPREADSHEET_CELL} OR {expression} IS NULL THEN false"
        f" ELSE char_length({guarded(expression)}) > {LONGEST_SPREADSHEET_CELL} END"
    )


def header(columns: Iterable[Headed], *, profile: ProfileName, delimiter: Delimiter, time_zone: str) -> str:
    """Return the first line of the file, its byte-order mark and line end included."""
    chosen = PROFILES[profile]
    headings = [_heading(column, chosen, time_zone) for column in columns]
    fields = [_field(heading, delimiter, forced=chosen.quotes_every_field) for heading in headings]
    return BYTE_ORDER_MARK * chosen.byte_order_mark + delimiter.join(fields) + "\n"


def copy_options(profile: ProfileName, delimiter: Delimiter) -> CopyOptions:
    """Return how COPY writes this profile."""
    return CopyOptions(delimiter=delimiter, force_quote=PROFILES[profile].quotes_every_field)


def _local_seconds(instant: str, time_zone: str) -> str:
    # date_trunc, since a cast to timestamp(0) rounds up.
    return f"date_trunc('second', {instant} AT TIME ZONE {text(time_zone)})"


def _utc_microseconds(instant: str) -> str:
    """Write ISO 8601; beyond the years 1 to 9999 with its signed year of six digits; infinity is 'infinity'.

    to_char alone would leave infinity empty and take the sign from a year before Christ.
    """
    utc = f"{instant} AT TIME ZONE 'UTC'"
    rest = '-MM-DD"T"HH24:MI:SS.US"Z"'
    # ISO 8601 has a year 0, which is 1 BC.
    year = f"extract(year FROM {utc}) + CASE WHEN extract(year FROM {utc}) < 0 THEN 1 ELSE 0 END"
    return (
        f"CASE WHEN {instant} BETWEEN timestamptz '0001-01-01 00:00:00Z' AND timestamptz '9999-12-31 23:59:59.999999Z'"
        f" THEN to_char({utc}, 'YYYY{rest}')"
        f" WHEN isfinite({instant}) THEN to_char({year}, 'SG000000') || to_char({utc}, '{rest}')"
        f" ELSE {instant}::text END"
    )


def _heading(column: Headed, profile: Profile, time_zone: str) -> str:
    if profile.headings == "names":
        return column.name
    zone = f" ({time_zone})" if column.type is CellType.TIMESTAMP and profile.instants == "local seconds" else ""
    return guarded_text(column.label + zone) if profile.guards_text else column.label + zone


def _field(value: str, delimiter: str, *, forced: bool) -> str:
    """Quote as COPY does: always, or when a reader could take the field for another or for NULL."""
    special = not value or any(character in value for character in (delimiter, '"', "\r", "\n"))
    return '"' + value.replace('"', '""') + '"' if forced or special else value
