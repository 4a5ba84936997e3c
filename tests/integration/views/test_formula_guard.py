"""The guard against formulas, in bytes, against an evaluation that shares nothing with it."""

import csv
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from export_worker.source import Source
from integration.views.files import DELIMITERS, Field, Style, write_rows
from integration.views.reading import Connection, copy, line, now
from support.awkward import ALL, HARMLESS, LIVE_FORMULAS, STARTS, guard
from ticket_export.views.cells import CellType
from ticket_export.views.profiles import LONGEST_SPREADSHEET_CELL, Delimiter, guarded_text, oversized

NOTE = Field("note", "Note")
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
# Mostly what the guard has to think about.
LIKELY = st.builds(
    str.__add__,
    st.sampled_from(STARTS),
    st.one_of(ANY_TEXT, st.from_regex(r"[+-]?[0-9]{0,16}([.][0-9]{0,3})?[ \n]?", fullmatch=True)),
)
VALUES = st.lists(st.one_of(st.none(), ANY_TEXT, LIKELY, st.text("=+-@\t\r\n＝＋－＠0123456789.,;'\"\\ aé☃𝟏")))
ON_REAL_SERVERS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def written(connection: Connection, values: list[str | None], delimiter: Delimiter = ",") -> bytes:
    """Return what COPY writes for a column of guarded values."""
    return await write_rows(connection, [NOTE], [[value] for value in values], Style(delimiter=delimiter))


def guarded_line(value: str | None) -> bytes:
    return line(None if value is None else guard(value))


@pytest.mark.parametrize("value", LIVE_FORMULAS, ids=range(len(LIVE_FORMULAS)))
def test_the_list_of_formulas_has_formulas_only(value: str) -> None:
    assert guard(value) == "'" + value


@pytest.mark.parametrize("value", HARMLESS, ids=range(len(HARMLESS)))
def test_the_list_of_harmless_values_has_none(value: str) -> None:
    assert guard(value) == value


@pytest.mark.parametrize("value", ALL, ids=range(len(ALL)))
def test_text_that_no_table_holds_is_guarded_alike(value: str) -> None:
    assert guarded_text(value) == guard(value)


async def test_every_awkward_value_is_written_as_it_must_be(owner: Connection) -> None:
    values: list[str | None] = [*LIVE_FORMULAS, None, *HARMLESS]
    content = await written(owner, values)
    assert content == b"".join(guarded_line(value) for value in values)
    read = [row[0] if row else "" for row in csv.reader(io.StringIO(content.decode(), newline=""), strict=True)]
    assert read == [guard(value or "") for value in values]


@ON_REAL_SERVERS
@given(values=VALUES, delimiter=st.sampled_from(DELIMITERS))
async def test_any_value_is_written_as_it_must_be(
    owner: Connection, values: list[str | None], delimiter: Delimiter
) -> None:
    assert await written(owner, values, delimiter) == b"".join(guarded_line(value) for value in values)
    assert [guarded_text(value) for value in values if value] == [guard(value) for value in values if value]


async def test_phone_numbers_of_any_length(owner: Connection) -> None:
    values: list[str | None] = [
        "+" + ("1234567890" * 2)[:length] + end for length in range(20) for end in ("", " ", "a")
    ]
    assert await written(owner, values) == b"".join(guarded_line(value) for value in values)


async def test_the_prefix_can_be_taken_away_again(owner: Connection) -> None:
    content = await written(owner, [*ALL])
    read = [row[0] for row in csv.reader(io.StringIO(content.decode(), newline=""), strict=True)]
    restored = [cell[1:] if cell[:1] == "'" and cell[1:2] in STARTS else cell for cell in read]
    # A value that began with an apostrophe and a formula is the one that cannot be told apart.
    assert [pair for pair in zip(restored, ALL, strict=True) if pair[0] != pair[1]] == [("=1+1", "'=1+1")]


async def test_only_text_is_guarded(owner: Connection) -> None:
    fields = [Field("n", "N", CellType.NUMBER), Field("d", "D", CellType.DATE), Field("t", "T")]
    rows = [["-12.5", "2024-02-29", "-12.5"], ["-Infinity", "-infinity", "-1-"]]
    assert await write_rows(owner, fields, rows, Style()) == line("-12.5", "2024-02-29", "-12.5") + line(
        "-Infinity", "-infinity", "'-1-"
    )


@pytest.mark.parametrize("letter", ["x", "é", "☃", "😀"])
@pytest.mark.parametrize("start", ["", "=", "＝", "-"])
async def test_a_cell_is_too_long_for_a_sheet_by_its_characters_as_written(
    owner: Connection, letter: str, start: str
) -> None:
    for length in (1, LONGEST_SPREADSHEET_CELL - 1, LONGEST_SPREADSHEET_CELL, LONGEST_SPREADSHEET_CELL + 1):
        value = start + letter * (length - len(start))
        too_long = await owner.fetchval(f"SELECT {oversized('a.v')} FROM (SELECT $1::text AS v) a", value)
        assert too_long is (len(guard(value)) > LONGEST_SPREADSHEET_CELL)


@pytest.mark.parametrize("value", [None, "", "short", "-" + "1" * 32_766])
async def test_what_a_sheet_can_hold_is_not_too_long(owner: Connection, value: str | None) -> None:
    assert await owner.fetchval(f"SELECT {oversized('a.v')} FROM (SELECT $1::text AS v) a", value) is False


async def test_titles_and_labels_of_a_view_are_guarded(owner: Connection, source: Source) -> None:
    await owner.execute("UPDATE priorities SET label = '=' || label")
    await owner.execute("UPDATE staff SET first_name = '@cmd', last_name = '-1' WHERE username = 'ada'")
    ada = await owner.fetchval("SELECT id FROM staff WHERE username = 'ada'")
    priority = await owner.fetchrow("SELECT developer_name, label FROM priorities ORDER BY sort_order LIMIT 1")
    status = await owner.fetchrow("SELECT developer_name, label FROM statuses ORDER BY sort_order LIMIT 1")
    assert priority is not None
    assert status is not None
    titles = [value for value in ALL if len(value) < 1000]
    await owner.execute("DELETE FROM tickets")
    await owner.executemany(
        "INSERT INTO tickets (id, title, status, priority, assignee_id) VALUES ($1, $2, $3, $4, $5)",
        [
            (number, title, status["developer_name"], priority["developer_name"] if number % 2 else None, ada)
            for number, title in enumerate(titles, start=1)
        ],
    )
    view = (await now(owner)).view("all", "id", "title", "status", "priority", "assignee_name")
    expected_lines = [
        line(str(number), guard(title), status["label"], "'" + priority["label"] if number % 2 else None, "'@cmd -1")
        for number, title in enumerate(titles, start=1)
    ]
    assert await copy(source, view) == b"".join(reversed(expected_lines))
