"""Lower case and the order of texts are PostgreSQL's own, asked for once per text."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Protocol

ROOT = '"und-x-icu"'


class Database(Protocol):
    """The two questions that may be put to PostgreSQL, both about single strings under the ICU root collation."""

    def lower(self, texts: list[str]) -> list[str]:
        """Each text's lower(), in the order given."""
        ...

    def sort(self, texts: list[str]) -> list[str]:
        """The texts in order."""
        ...


class Strings:
    """What PostgreSQL has said so far; asking about a text that was not learned is a KeyError."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lowered: dict[str, str] = {}
        self._ranks: dict[str, int] = {}

    def learn(self, texts: Iterable[str]) -> None:
        """Ask for the lower case of those that are new."""
        unknown = sorted({*texts} - self._lowered.keys())
        if unknown:
            self._lowered.update(zip(unknown, self._database.lower(unknown), strict=True))

    def rank_all(self) -> None:
        """Ask for the order of everything learned so far."""
        self._ranks = {text: rank for rank, text in enumerate(self._database.sort(sorted(self._lowered)))}

    def lower(self, text: str) -> str:
        """Its lower case."""
        return self._lowered[text]

    def rank(self, text: str) -> int:
        """Its place among all that are known."""
        return self._ranks[text]


def texts_in(value: Any) -> Iterator[str]:
    """Every string inside a JSON value or a row; numbers and booleans as their text."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, int | Decimal):
        yield format(value, "f") if isinstance(value, Decimal) else str(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from texts_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts_in(inner)
