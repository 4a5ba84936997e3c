"""JSON as it is taken here: what a parser could guess at (doubled members, NaN, endless depth) is refused.

The last of two members of one name would win without a word, and a filter would be gone.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from ticket_export.views.faults import ViewFault, pointer

DEEPEST = 20
_HALF_OF_A_PAIR = re.compile("[\ud800-\udfff]")
_WORDING = {
    "missing": "is missing",
    "model_type": "is not an object",
    "dict_type": "is not an object",
    "tuple_type": "is not a list",
    "string_type": "is not a text",
    "too_long": "has more than {max_length} members",
    "string_too_long": "is longer than {max_length} characters",
    "string_too_short": "is shorter than {min_length} characters",
    "string_pattern_mismatch": "has control characters",
}

M = TypeVar("M", bound=BaseModel)


class DocumentError(ValueError):
    """A document is not what it should be; each fault has its JSON pointer."""

    def __init__(self, *faults: ViewFault) -> None:
        super().__init__("; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults))
        self.faults = faults


def parse_json(text: bytes | str) -> Any:
    """Return the value; raise DocumentError for whatever is no JSON, or could be read in two ways."""
    # The objects are kept, so that none of their ids is given away while the rest is parsed.
    doubled: dict[int, tuple[dict[str, Any], list[str]]] = {}

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            times = Counter(name for name, _ in pairs)
            doubled[id(found)] = (found, [name for name in found if times[name] > 1])
        return found

    try:
        content = text if isinstance(text, str) else text.decode()
        value = json.loads(content, object_pairs_hook=members, parse_float=_float)
    except RecursionError as error:
        raise DocumentError(_too_deep("")) from error
    except UnicodeDecodeError as error:
        raise DocumentError(ViewFault("", "is not UTF-8")) from error
    except ValueError as error:
        raise DocumentError(ViewFault("", f"is not JSON: {error}")) from error
    faults = list(_ambiguities("", value, {key: names for key, (_, names) in doubled.items()}, depth=0))
    if faults:
        raise DocumentError(*faults)
    return value


class _RoundedFloat(float):
    """A number that a float does not hold exactly."""


def _float(literal: str) -> float:
    value = float(literal)
    exact = not math.isfinite(value) or Decimal(literal) == Decimal(repr(value))
    return value if exact else _RoundedFloat(value)


def _float_fault(value: float) -> str | None:
    if not math.isfinite(value):
        return "is not a number that JSON has"
    if isinstance(value, _RoundedFloat):
        return "has more digits than a number can keep; about 15 are kept"
    return None


def _too_deep(place: str) -> ViewFault:
    return ViewFault(place, f"is nested more than {DEEPEST} levels deep")


def _ambiguities(place: str, value: Any, doubled: dict[int, list[str]], *, depth: int) -> Iterator[ViewFault]:
    if depth > DEEPEST:
        yield _too_deep(place)
        return
    match value:
        case float() if detail := _float_fault(value):
            yield ViewFault(place, detail)
        case str() if _HALF_OF_A_PAIR.search(value):
            yield ViewFault(place, "has half of a pair of UTF-16")
        case list():
            for number, item in enumerate(value):
                yield from _ambiguities(place + pointer(number), item, doubled, depth=depth + 1)
        case dict():
            for name in doubled.get(id(value), ()):
                yield ViewFault(place + pointer(_shown(name)), "comes more than once")
            for name, item in value.items():
                if _HALF_OF_A_PAIR.search(name):
                    yield ViewFault(place, f"has a member {name!r} with half of a pair of UTF-16")
                yield from _ambiguities(place + pointer(_shown(name)), item, doubled, depth=depth + 1)


def _shown(name: str) -> str:
    """Return a member's name as an answer can hold it."""
    return _HALF_OF_A_PAIR.sub("\N{REPLACEMENT CHARACTER}", name)


def read_document(model: type[M], document: Any) -> M:
    """Return the document as the model; raise DocumentError that names every fault and what would be allowed."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise DocumentError(*(_fault(model, document, item) for item in error.errors(include_url=False))) from error


def _fault(model: type[BaseModel], document: Any, item: Any) -> ViewFault:
    path = _path_within(document, item["loc"], missing=item["type"] == "missing")
    wording = _WORDING.get(item["type"])
    detail = wording.format_map(item.get("ctx", {})) if wording else item["msg"]
    if item["type"] == "extra_forbidden":
        allowed = _model_at(model, path[:-1]).model_fields
        detail = f"is not known; allowed: {', '.join(allowed)}"
    return ViewFault(pointer(*path), detail)


def _path_within(document: Any, location: tuple[str | int, ...], *, missing: bool) -> list[str | int]:
    """Return the part of a location that is in the document: pydantic also names the branch of a union."""
    path: list[str | int] = []
    for part in location:
        inside = (isinstance(document, dict) and part in document) or (
            isinstance(document, list) and isinstance(part, int)
        )
        if inside:
            path.append(part)
            document = document[part]
    return [*path, location[-1]] if missing else path


def _model_at(model: type[BaseModel], path: list[str | int]) -> type[BaseModel]:
    for name in path:
        if isinstance(name, str):
            model = next(_models_in(model.model_fields[name].annotation))
    return model


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)
