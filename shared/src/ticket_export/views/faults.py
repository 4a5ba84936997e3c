"""What can be wrong with a view: said with the place in the request and with what would be right."""

from collections.abc import Iterable
from dataclasses import dataclass

MOST_NAMES_SHOWN = 60


@dataclass(frozen=True, slots=True)
class ViewFault:
    """One thing that is wrong; ``pointer`` is a JSON pointer (RFC 6901) to the culprit."""

    pointer: str
    detail: str


class ViewError(ValueError):
    """A name or a value that no view can have; the text says what would be allowed."""


def unknown(kind: str, name: object, allowed: Iterable[str]) -> ViewError:
    """Return the error for a name that is not among those that exist."""
    names = list(allowed)
    more = f" and {len(names) - MOST_NAMES_SHOWN} more" if len(names) > MOST_NAMES_SHOWN else ""
    return ViewError(f"{kind} {name!r} is unknown; allowed: {', '.join(names[:MOST_NAMES_SHOWN]) or 'none'}{more}")


def pointer(*parts: str | int) -> str:
    """Return the JSON pointer of a place."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
