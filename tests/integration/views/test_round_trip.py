"""Every awkward text, in both profiles and with all delimiters, as Python, PostgreSQL and LibreOffice Calc read it.

Quoting keeps a separator inside a cell harmless when the file is opened with another one, as long as the cell has no
line break and no quote: those end a cell for such a reader, whatever is done at its start (docs/view-language.md).
"""

import csv
import io
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path

import pytest
from defusedxml import ElementTree
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integration.views.files import DELIMITERS, PROFILE_NAMES, Field, Style, write_file
from integration.views.reading import Connection
from support.awkward import ALL, STARTS, guard
from support.calc import AS_CSV, AS_XML, Calc, find_calc, import_options
from ticket_export.views.cells import CellType
from ticket_export.views.profiles import Delimiter

FIELDS = (
    Field("id", "Ticket ID", CellType.NUMBER),
    Field("title", "Title"),
    Field("custom.x", "=1+1"),
    Field("category", "@SUM(1;1)\tCategory"),
)
Row = tuple[str | None, ...]
# Each value in the middle, before another one, and beside NULL or an empty text.
ROWS: list[Row] = [
    (str(number - 3), value, ALL[number - 1], None if number % 2 else "") for number, value in enumerate(ALL)
]
ONE_LINE = [value for value in ALL if not set(value) & set('"\r\n')]
ONE_LINE_ROWS: list[Row] = [(str(number), value, "and", value) for number, value in enumerate(ONE_LINE)]

STYLES = [Style(profile, delimiter) for profile, delimiter in product(PROFILE_NAMES, DELIMITERS)]
NAMES = {",": "comma", ";": "semicolon", "\t": "tab"}
EVERY_STYLE = pytest.mark.parametrize("style", STYLES, ids=lambda style: f"{style.profile}-{NAMES[style.delimiter]}")
EVERY_SEPARATOR = pytest.mark.parametrize("separator", DELIMITERS, ids=NAMES.values())
VALUES = st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))

FORMULA = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}formula"


def headings(style: Style) -> list[str]:
    return [field.name if style.profile == "machine" else guard(field.label) for field in FIELDS]


def cells(rows: Iterable[Row], style: Style) -> list[Row]:
    """Return what is to be read from a file: its texts are guarded for spreadsheets, its numbers never."""
    if style.profile == "machine":
        return list(rows)
    return [(number, *(value and guard(value) for value in values)) for number, *values in rows]


def blank(rows: Iterable[Row]) -> list[list[str]]:
    """Return the rows for a reader that does not tell NULL from an empty text."""
    return [[cell or "" for cell in row] for row in rows]


def read(content: bytes, delimiter: Delimiter = ",") -> list[list[str]]:
    text = io.StringIO(content.decode("utf-8-sig"), newline="")
    return list(csv.reader(text, delimiter=delimiter, strict=True))


async def read_by_postgresql(owner: Connection, content: bytes, style: Style) -> list[Row]:
    await owner.execute('CREATE TEMP TABLE read (id text, title text, "custom.x" text, category text)')
    await owner.copy_to_table(
        "read",
        source=io.BytesIO(content),
        format="csv",
        header=True,
        delimiter=style.delimiter,
        encoding="UTF8",
    )
    rows = await owner.fetch("SELECT * FROM read ORDER BY ctid")
    await owner.execute("DROP TABLE read")
    return [tuple(row) for row in rows]


@EVERY_STYLE
async def test_python_reads_every_awkward_text(owner: Connection, style: Style) -> None:
    content = await write_file(owner, FIELDS, ROWS, style)
    assert content.startswith(b"\xef\xbb\xbf") == (style.profile == "spreadsheet")
    assert read(content, style.delimiter) == [headings(style), *blank(cells(ROWS, style))]


@EVERY_STYLE
async def test_postgresql_reads_every_awkward_text_and_tells_null_from_empty(owner: Connection, style: Style) -> None:
    content = await write_file(owner, FIELDS, ROWS, style)
    assert await read_by_postgresql(owner, content, style) == cells(ROWS, style)


@EVERY_STYLE
async def test_null_and_an_empty_text_are_different_bytes(owner: Connection, style: Style) -> None:
    content = await write_file(owner, FIELDS, [(None, None, "", None), (None, "", None, "")], style)
    assert content.splitlines()[1:] == [
        style.delimiter.join(["", "", '""', ""]).encode(),
        style.delimiter.join(["", '""', "", '""']).encode(),
    ]


@EVERY_STYLE
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(st.integers().map(str), VALUES, VALUES, VALUES), max_size=20))
async def test_any_rows_are_read_as_they_were(owner: Connection, style: Style, rows: list[Row]) -> None:
    content = await write_file(owner, FIELDS, rows, style)
    assert read(content, style.delimiter) == [headings(style), *blank(cells(rows, style))]
    assert await read_by_postgresql(owner, content, style) == cells(rows, style)


@pytest.fixture(scope="module")
def calc(tmp_path_factory: pytest.TempPathFactory) -> Calc:
    return find_calc(tmp_path_factory.mktemp("calc"))


@EVERY_SEPARATOR
async def test_calc_imports_every_awkward_text(
    owner: Connection, calc: Calc, tmp_path: Path, separator: Delimiter
) -> None:
    styles = [style for style in STYLES if style.delimiter == separator]
    files = [tmp_path / f"{style.profile}.csv" for style in styles]
    for file, style in zip(files, styles, strict=True):
        file.write_bytes(await write_file(owner, FIELDS, ROWS, style))
    options = import_options(separator, text_columns=len(FIELDS))
    results = calc.convert(files, tmp_path / "results", to=AS_CSV, options=options)
    for result, style in zip(results, styles, strict=True):
        wanted = [headings(style), *blank(cells(ROWS, style))]
        assert read(result.read_bytes()) == [[with_line_feeds(cell) for cell in row] for row in wanted]


def with_line_feeds(value: str) -> str:
    """Return what Calc keeps: it knows one kind of line end inside a cell."""
    return value.replace("\r\n", "\n").replace("\r", "\n")


def formulas(file: Path) -> list[str]:
    """Return what Calc would evaluate in a converted file."""
    return [element.attrib[FORMULA] for element in ElementTree.parse(file).iter() if FORMULA in element.attrib]


def opened(
    calc: Calc, contents: dict[str, bytes], directory: Path, separator: Delimiter | None
) -> dict[str, list[str]]:
    """Return the formulas of each file, opened as Calc does by itself, or with a separator."""
    files = [directory / f"{name}.csv" for name in contents]
    for file, content in zip(files, contents.values(), strict=True):
        file.write_bytes(content)
    options = import_options(separator) if separator else None
    results = calc.convert(files, directory / "results", to=AS_XML, options=options)
    return {name: formulas(result) for name, result in zip(contents, results, strict=True)}


def unguarded(values: Sequence[str], delimiter: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(["and", value] for value in values)
    return text.getvalue().encode("utf-8-sig")


@pytest.mark.parametrize("separator", [None, *DELIMITERS], ids=["default", *NAMES.values()])
async def test_no_cell_for_spreadsheets_is_a_formula_in_calc(
    owner: Connection, calc: Calc, tmp_path: Path, separator: Delimiter | None
) -> None:
    own = separator or ","
    contents = {
        f"one-line-{NAMES[delimiter]}": await write_file(owner, FIELDS, ONE_LINE_ROWS, Style(delimiter=delimiter))
        for delimiter in DELIMITERS
    }
    contents["all"] = await write_file(owner, FIELDS, ROWS, Style(delimiter=own))
    # What the check must be able to see: each start of a formula, and what only the quoting keeps together.
    contents["starts"] = unguarded([f"{start}1+{ord(start)}" for start in STARTS], own)
    contents["machine"] = await write_file(
        owner, FIELDS, [("1", f"foo{own}=1+3{own}bar", None, None)], Style("machine", ";" if own != ";" else ",")
    )
    found = opened(calc, contents, tmp_path, separator)
    starts, machine = found.pop("starts"), found.pop("machine")
    assert found == {"one-line-comma": [], "one-line-semicolon": [], "one-line-tab": [], "all": []}
    assert "of:=1+3" in machine
    # Calc evaluates no other start; test_formula_guard.py shows in bytes that those are guarded, too.
    assert starts == [f"of:=1+{ord('=')}"]


def test_the_awkward_texts_have_what_a_wrong_separator_would_split() -> None:
    assert {"foo;=1+3;bar", "foo,=1+3,bar", "foo\t=1+3\tbar"} <= set(ONE_LINE)
    assert {start + "1+1" for start in STARTS} <= set(ALL)
