import dataclasses

import pytest

from local_stack.seed.samples import Language, read_samples
from local_stack.seed.statements import read_statements

SAMPLES = read_samples()
SCRIPTS = {
    "en": "Latin",
    "el": "Α",
    "ru": "Я",
    "he": "א",
    "ar": "ا",
    "hi": "अ",
    "ta": "அ",
    "th": "ก",
    "zh": "中",
    "ja": "か",
    "ko": "가",
}


def test_many_languages_and_scripts() -> None:
    names = [language.name for language in SAMPLES.languages]
    assert names == sorted(set(names))
    assert len(names) >= 25
    assert set(SCRIPTS) <= set(names)


@pytest.mark.parametrize("language", SAMPLES.languages, ids=lambda language: language.name)
def test_every_language_has_as_many_texts(language: Language) -> None:
    counts = [len(texts) for texts in dataclasses.astuple(language)[2:]]
    assert counts == [4, 4, 5, 3]
    for title in language.titles:
        assert title % "X"
    # A row of the temporary table that holds them must fit one page of PostgreSQL, nothing moved out of line.
    assert len("".join(text for texts in dataclasses.astuple(language)[2:] for text in texts).encode()) < 4_000


def test_the_other_samples_fit_one_row() -> None:
    texts = dataclasses.astuple(SAMPLES)[1:]
    assert all(texts)
    assert sum(len(text.encode()) + 8 for each in texts for text in each) < 8_000


@pytest.mark.parametrize("start", "=+-@\t\r\n＝＋－＠")
def test_every_start_of_a_formula_is_there(start: str) -> None:
    assert any(text.startswith(start) for text in SAMPLES.awkward)


@pytest.mark.parametrize(
    "part", ['"', ",", ";", "\t", "\n", "\r\n", "\\", "'", "\u202e", "\ufeff", "👩", "𐐷", "\u200d"]
)
def test_whatever_else_breaks_exports_is_there(part: str) -> None:
    assert any(part in text for text in SAMPLES.awkward)


def test_every_statement_has_a_name_and_a_text() -> None:
    statements = read_statements()
    assert len(statements) > 15
    assert all(text.strip() for text in statements.values())
    assert statements["prepare"].count("{number}") == 1
