"""The one place that quotes. What PostgreSQL reads back is shown in integration/views."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticket_export.views.literals import identifier, text, timestamp

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


def read_literal(literal: str) -> str:
    """Read a literal as PostgreSQL's scanner does: E'…' with backslashes, '…' without."""
    escapes = literal.startswith("E")
    body = literal.removeprefix("E")
    assert body[0] == body[-1] == "'"
    assert len(body) >= 2
    value, rest = "", body[1:-1]
    while rest:
        if rest[0] == "'":
            assert rest[:2] == "''", "the literal ends early"
            value, rest = value + "'", rest[2:]
        elif rest[0] == "\\" and escapes:
            assert rest[:2] == "\\\\", "an escape that was not meant"
            value, rest = value + "\\", rest[2:]
        else:
            # With standard_conforming_strings off, a backslash here would be an escape.
            assert rest[0] != "\\"
            value, rest = value + rest[0], rest[1:]
    return value


@given(ANY_TEXT)
def test_a_text_stays_inside_its_quotes(value: str) -> None:
    assert read_literal(text(value)) == value


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        ("", "''"),
        ("plain", "'plain'"),
        ("O'Brien", "'O''Brien'"),
        ("back\\slash", "E'back\\\\slash'"),
        ("\\'", "E'\\\\'''"),
        ("'); DROP TABLE tickets; --", "'''); DROP TABLE tickets; --'"),
        ("%_ $1 \n", "'%_ $1 \n'"),
    ],
)
def test_texts(value: str, literal: str) -> None:
    assert text(value) == literal


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("helpdesk", '"helpdesk"'),
        ("Weird Name", '"Weird Name"'),
        ('a"b', '"a""b"'),
        ("x" * 63, '"' + "x" * 63 + '"'),
        ("ü" * 31, '"' + "ü" * 31 + '"'),
    ],
)
def test_identifiers(name: str, quoted: str) -> None:
    assert identifier(name) == quoted


@pytest.mark.parametrize("name", ["", "a\x00b", "x" * 64, "ü" * 32])
def test_an_identifier_that_postgresql_would_cut_or_refuse_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="identifier"):
        identifier(name)


def test_nul_is_refused_in_a_text() -> None:
    with pytest.raises(ValueError, match="NUL"):
        text("a\x00b")


def test_an_instant_keeps_its_microseconds_and_its_offset() -> None:
    instant = datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC)
    assert timestamp(instant) == "'2024-02-29T23:59:59.999999+00:00'::timestamptz"
    elsewhere = instant.astimezone(timezone(timedelta(hours=-9, minutes=-30)))
    assert timestamp(elsewhere) == "'2024-02-29T14:29:59.999999-09:30'::timestamptz"


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        timestamp(datetime(2024, 1, 1))  # noqa: DTZ001 - naive on purpose
