"""The header that names a download (RFC 6266)."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticket_export.storage.links import content_disposition

FORM = re.compile(r"attachment; filename=\"(?P<plain>[ !#-\[\]-~]*)\"; filename\*=UTF-8''(?P<whole>[A-Za-z0-9%._~-]*)")


def parts(file_name: str) -> tuple[str, str]:
    found = FORM.fullmatch(content_disposition(file_name))
    assert found is not None
    return found["plain"], unquote(found["whole"])


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_name_gives_one_well_formed_line(file_name: str) -> None:
    plain, whole = parts(file_name)
    assert whole == file_name
    assert len(plain) == len(file_name)


@pytest.mark.parametrize(
    ("file_name", "plain"),
    [
        ("open-tickets.csv", "open-tickets.csv"),
        ('a"b.csv', "a_b.csv"),
        ("a\\b.csv", "a_b.csv"),
        ("a\r\nSet-Cookie: x=1.csv", "a__Set-Cookie: x=1.csv"),
        ("Störung ☃.csv", "St_rung _.csv"),
        ("a;b=c'd.csv", "a;b=c'd.csv"),
        ("a/b%2F.csv", "a/b%2F.csv"),
        ("\x00\x7f.csv", "__.csv"),
        ("x" * 300 + ".csv", "x" * 300 + ".csv"),
        ("ü" * 300, "_" * 300),
    ],
)
def test_names(file_name: str, plain: str) -> None:
    assert parts(file_name) == (plain, file_name)
