"""The file's first line, and which expression each kind of cell gets; what PostgreSQL makes of it: integration/views."""

import csv
import io
from dataclasses import dataclass
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.awkward import ALL, guard
from ticket_export.views.cells import CellType
from ticket_export.views.profiles import (
    BYTE_ORDER_MARK,
    FORMULA_STARTS,
    HARMLESS,
    LONGEST_SPREADSHEET_CELL,
    MOST_SPREADSHEET_ROWS,
    PROFILES,
    Delimiter,
    ProfileName,
    cell,
    copy_options,
    guarded,
    guarded_text,
    header,
    oversized,
)

DELIMITERS: tuple[Delimiter, ...] = get_args(Delimiter)
PROFILE_NAMES: tuple[ProfileName, ...] = get_args(ProfileName)
EVERY_DELIMITER = pytest.mark.parametrize("delimiter", DELIMITERS, ids=["comma", "semicolon", "tab"])


@dataclass(frozen=True)
class Field:
    name: str
    label: str
    type: CellType = CellType.TEXT


ID = Field("id", "Ticket ID", CellType.NUMBER)
TITLE = Field("title", "Title")
DUE = Field("sla_due_at", "SLA Due", CellType.TIMESTAMP)
DAY = Field("custom.day", "Day", CellType.DATE)


def first_line(
    *fields: Field, profile: ProfileName = "spreadsheet", delimiter: Delimiter = ",", time_zone: str = "UTC"
) -> str:
    return header(fields, profile=profile, delimiter=delimiter, time_zone=time_zone)


def spreadsheet(kind: CellType, time_zone: str = "UTC") -> str:
    return cell(kind, "t.x", profile="spreadsheet", time_zone=time_zone)


def machine(kind: CellType) -> str:
    return cell(kind, "t.x", profile="machine", time_zone="Europe/Berlin")


def test_every_profile_is_registered_by_its_name() -> None:
    assert tuple(PROFILES) == PROFILE_NAMES
    assert [profile.name for profile in PROFILES.values()] == list(PROFILE_NAMES)
    assert all(profile.label and profile.description.endswith(".") for profile in PROFILES.values())


@EVERY_DELIMITER
def test_a_spreadsheets_header_has_a_byte_order_mark_and_quotes_every_label(delimiter: Delimiter) -> None:
    assert first_line(ID, TITLE, delimiter=delimiter) == f'\ufeff"Ticket ID"{delimiter}"Title"\n'


@EVERY_DELIMITER
def test_a_machines_header_has_plain_field_names(delimiter: Delimiter) -> None:
    line = first_line(ID, TITLE, DUE, DAY, profile="machine", delimiter=delimiter, time_zone="Europe/Berlin")
    assert line == delimiter.join(["id", "title", "sla_due_at", "custom.day"]) + "\n"


def test_an_instant_names_its_zone_for_people_and_a_day_has_none() -> None:
    line = first_line(DUE, ID, DAY, time_zone="Europe/Berlin")
    assert line == '\ufeff"SLA Due (Europe/Berlin)","Ticket ID","Day"\n'


@pytest.mark.parametrize("kind", CellType)
def test_the_label_of_a_custom_field_is_guarded_whatever_its_cells_are(kind: CellType) -> None:
    label = next(csv.reader([first_line(Field("custom.x", "=cmd|' /C calc'!A0", kind)).removeprefix("\ufeff")]))
    assert label[0].startswith("'=cmd|' /C calc'!A0")


@EVERY_DELIMITER
def test_any_label_is_one_cell(delimiter: Delimiter) -> None:
    fields = [Field(f"c{number}", label) for number, label in enumerate(ALL)]
    line = first_line(*fields, delimiter=delimiter)
    read = csv.reader(io.StringIO(line.removeprefix("\ufeff"), newline=""), delimiter=delimiter, strict=True)
    assert list(read) == [[guard(label) for label in ALL]]


@EVERY_DELIMITER
def test_any_field_name_is_one_cell(delimiter: Delimiter) -> None:
    line = first_line(*(Field(name, "x") for name in ALL), profile="machine", delimiter=delimiter)
    read = csv.reader(io.StringIO(line, newline=""), delimiter=delimiter, strict=True)
    assert list(read) == [ALL]


@pytest.mark.parametrize("name", ["a,b", 'a"b', "a\nb", "a\rb", ""])
def test_only_names_that_need_it_are_quoted_for_machines(name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    assert first_line(Field(name, "x"), TITLE, profile="machine") == f"{quoted},title\n"
    assert first_line(Field("a;b", "x"), Field("a b", "x"), profile="machine") == "a;b,a b\n"


@EVERY_DELIMITER
def test_copy_is_told_the_delimiter_and_what_to_quote(delimiter: Delimiter) -> None:
    options = copy_options("spreadsheet", delimiter)
    assert (options.delimiter, options.force_quote) == (delimiter, True)
    options = copy_options("machine", delimiter)
    assert (options.delimiter, options.force_quote) == (delimiter, False)


def test_only_the_text_of_spreadsheets_is_guarded() -> None:
    assert spreadsheet(CellType.TEXT) == guarded("(t.x)")
    for kind in CellType:
        assert ("ascii(" in spreadsheet(kind)) == (kind is CellType.TEXT)
        assert "ascii(" not in machine(kind)


@pytest.mark.parametrize("kind", [CellType.NUMBER, CellType.DATE])
def test_numbers_and_days_are_written_as_they_are(kind: CellType) -> None:
    assert spreadsheet(kind) == machine(kind) == "(t.x)"


def test_a_machine_gets_text_as_it_is() -> None:
    assert machine(CellType.TEXT) == "(t.x)"


def test_truth_is_written_in_words() -> None:
    assert spreadsheet(CellType.BOOLEAN) == machine(CellType.BOOLEAN) == "(t.x)::text"


def test_an_instant_is_cut_to_its_second_in_the_views_zone() -> None:
    assert (
        spreadsheet(CellType.TIMESTAMP, "America/St_Johns")
        == "date_trunc('second', (t.x) AT TIME ZONE 'America/St_Johns')"
    )


def test_a_machine_gets_the_same_instant_whatever_the_views_zone() -> None:
    assert "Berlin" not in machine(CellType.TIMESTAMP)
    assert "AT TIME ZONE 'UTC'" in machine(CellType.TIMESTAMP)


@pytest.mark.parametrize("profile", PROFILE_NAMES)
@pytest.mark.parametrize("kind", CellType)
def test_an_expression_keeps_together(kind: CellType, profile: ProfileName) -> None:
    assert "(a OR b)" in cell(kind, "a OR b", profile=profile, time_zone="UTC")


@pytest.mark.parametrize("start", "=+-@\t\n\r＝＋－＠")
def test_the_guard_names_every_start_of_a_formula(start: str) -> None:
    assert ord(start) in FORMULA_STARTS
    assert str(ord(start)) in guarded("t.note").partition("IN (")[2].partition(")")[0].split(", ")


def test_the_exemption_is_of_the_whole_value() -> None:
    assert HARMLESS.startswith("^(")
    assert HARMLESS.endswith(")$")


@given(st.text())
def test_text_that_no_table_holds_is_guarded_too(value: str) -> None:
    assert guarded_text(value) == guard(value.lstrip("\x00"))


def test_a_leading_nul_hides_no_formula() -> None:
    assert guarded_text("\x00\x00=1+1") == "'=1+1"


def test_the_size_of_a_long_text_is_asked_before_its_characters_are_read() -> None:
    assert oversized("t.x").startswith("CASE WHEN octet_length((t.x)) < 32767 ")


def test_a_sheet_holds_what_its_maker_says() -> None:
    assert (LONGEST_SPREADSHEET_CELL, MOST_SPREADSHEET_ROWS) == (2**15 - 1, 2**20 - 1)
    assert BYTE_ORDER_MARK.encode() == b"\xef\xbb\xbf"
