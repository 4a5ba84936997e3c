"""The file's first line, and which cells are guarded; the guard itself is shown in integration/views."""

import csv
import io

import pytest

from ticket_export.views.columns import COLUMNS, DEFAULT_COLUMNS, Column, ColumnType
from ticket_export.views.profiles import FORMULA_STARTS, HARMLESS, cell, copy_options, guarded, header

TEXT = Column("note", "Note", ColumnType.TEXT, "t.note")


def test_the_header_begins_with_a_byte_order_mark_and_quotes_every_label() -> None:
    line = header((COLUMNS["id"], COLUMNS["title"]), delimiter=",", time_zone="UTC")
    assert line == '\ufeff"Ticket ID","Title"\n'


def test_a_time_names_its_zone() -> None:
    line = header((COLUMNS["sla_due_at"], COLUMNS["id"]), delimiter=",", time_zone="Europe/Berlin")
    assert line == '\ufeff"SLA Due (Europe/Berlin)","Ticket ID"\n'


def test_a_label_with_quotes_delimiters_and_line_ends_is_one_cell() -> None:
    labels = ['5" disk', "a,b", "two\nlines", "ä"]
    columns = tuple(Column(f"c{n}", label, ColumnType.TEXT, "x") for n, label in enumerate(labels))
    line = header(columns, delimiter=",", time_zone="UTC")
    assert list(csv.reader(io.StringIO(line.removeprefix("\ufeff"), newline=""))) == [labels]


def test_the_default_header_has_a_cell_for_each_column() -> None:
    line = header(tuple(COLUMNS[name] for name in DEFAULT_COLUMNS), delimiter=",", time_zone="UTC")
    assert len(next(csv.reader([line.removeprefix("\ufeff")]))) == len(DEFAULT_COLUMNS)


def test_every_field_of_a_row_is_quoted_too() -> None:
    options = copy_options(",")
    assert (options.delimiter, options.force_quote) == (",", True)


def test_only_text_is_guarded() -> None:
    assert cell(TEXT, "UTC") == guarded("(t.note)")
    for column in COLUMNS.values():
        expression = cell(column, "UTC")
        assert ("ascii(" in expression) == (column.type is ColumnType.TEXT)


def test_a_number_is_written_as_it_is() -> None:
    assert cell(Column("n", "N", ColumnType.NUMBER, "t.n"), "UTC") == "(t.n)"


def test_a_time_is_cut_to_its_second_in_the_views_zone() -> None:
    column = Column("at", "At", ColumnType.TIMESTAMP, "t.at")
    assert cell(column, "UTC") == "date_trunc('second', (t.at) AT TIME ZONE 'UTC')"


@pytest.mark.parametrize("start", "=+-@\t\n\r＝＋－＠")
def test_the_guard_names_every_start_of_a_formula(start: str) -> None:
    assert ord(start) in FORMULA_STARTS
    assert str(ord(start)) in guarded("t.note").partition("IN (")[2].partition(")")[0].split(", ")


def test_the_exemption_is_of_the_whole_value() -> None:
    assert HARMLESS.startswith("^(")
    assert HARMLESS.endswith(")$")
