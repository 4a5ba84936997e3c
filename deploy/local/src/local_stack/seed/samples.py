"""The texts that synthetic tickets are made of, in many languages and scripts, and those that break exports."""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from operator import attrgetter


@dataclass(frozen=True, slots=True)
class Language:
    """A language with texts written in it; ``%s`` in a title stands for a product or a reference."""

    name: str
    label: str
    given: tuple[str, ...]
    family: tuple[str, ...]
    titles: tuple[str, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Samples:
    """Every text; ``awkward`` are whole values."""

    languages: tuple[Language, ...]
    products: tuple[str, ...]
    categories: tuple[str, ...]
    tags: tuple[str, ...]
    channels: tuple[str, ...]
    locations: tuple[str, ...]
    organizations: tuple[str, ...]
    files: tuple[str, ...]
    awkward: tuple[str, ...]


def read_samples() -> Samples:
    """Read the texts that come with this package, languages by name."""
    found = tomllib.loads(files("local_stack.seed").joinpath("samples.toml").read_text(encoding="utf-8"))
    languages = (
        Language(name, texts.pop("label"), **{key: tuple(values) for key, values in texts.items()})
        for name, texts in found.pop("languages").items()
    )
    return Samples(
        tuple(sorted(languages, key=attrgetter("name"))), **{key: tuple(values) for key, values in found.items()}
    )
