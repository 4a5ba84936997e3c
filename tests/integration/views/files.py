"""Small files in any profile: rows of text go into a table, real COPY writes them as the cells that they are."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from integration.views.reading import Connection
from ticket_export.views.cells import CellType
from ticket_export.views.profiles import PROFILES, Delimiter, ProfileName, cell, copy_options, header

PROFILE_NAMES: tuple[ProfileName, ...] = tuple(PROFILES)
DELIMITERS: tuple[Delimiter, ...] = (",", ";", "\t")

SQL_TYPES = {
    CellType.TEXT: "text",
    CellType.NUMBER: "numeric",
    CellType.TIMESTAMP: "timestamptz",
    CellType.DATE: "date",
    CellType.BOOLEAN: "boolean",
}


@dataclass(frozen=True)
class Field:
    """A column of such a file."""

    name: str
    label: str
    type: CellType = CellType.TEXT


@dataclass(frozen=True)
class Style:
    """What a view says about its file."""

    profile: ProfileName = "spreadsheet"
    delimiter: Delimiter = ","
    time_zone: str = "UTC"

    def header(self, fields: Iterable[Field]) -> str:
        return header(fields, profile=self.profile, delimiter=self.delimiter, time_zone=self.time_zone)

    def cell(self, field: Field, expression: str) -> str:
        return cell(field.type, expression, profile=self.profile, time_zone=self.time_zone)


async def write_rows(
    connection: Connection, fields: Sequence[Field], rows: Iterable[Sequence[str | None]], style: Style
) -> bytes:
    """Return the lines that COPY writes; the values are PostgreSQL's texts of each field's type."""
    table, names = f"cells_{secrets.token_hex(4)}", [f"c{number}" for number in range(len(fields))]
    await connection.execute(f"CREATE TEMP TABLE {table} (n int, {', '.join(f'{name} text' for name in names)})")
    records = [(number, *row) for number, row in enumerate(rows)]
    await connection.copy_records_to_table(table, records=records, columns=["n", *names])
    cells = [style.cell(field, f"a.{name}::{SQL_TYPES[field.type]}") for field, name in zip(fields, names, strict=True)]
    written = await copy_query(connection, f"SELECT {', '.join(cells)} FROM {table} a ORDER BY n", style)
    await connection.execute(f"DROP TABLE {table}")
    return written


async def write_file(
    connection: Connection, fields: Sequence[Field], rows: Iterable[Sequence[str | None]], style: Style
) -> bytes:
    """Return the whole file."""
    return style.header(fields).encode() + await write_rows(connection, fields, rows, style)


async def copy_query(connection: Connection, query: str, style: Style) -> bytes:
    """Return what COPY makes of a query, told what the worker tells it."""
    content = bytearray()

    async def take(chunk: bytes) -> None:
        content.extend(chunk)

    options = copy_options(style.profile, style.delimiter)
    await connection.copy_from_query(
        query,
        output=take,
        format="csv",
        delimiter=options.delimiter,
        force_quote=options.force_quote,
        encoding="UTF8",
    )
    return bytes(content)
