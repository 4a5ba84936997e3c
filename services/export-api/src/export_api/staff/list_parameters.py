"""A view as an address or a form says it: the ticket list and its export button read the same members the same way.

Parameters that are unknown or doubled are faults: what is left out without a word would widen the list.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from export_api.documents import DocumentError, parse_json, read_document
from export_api.errors import Fault, InvalidRequestError
from export_api.use_cases.resolve_view import AskedView
from ticket_export.views.faults import ViewFault
from ticket_export.views.payload import ViewDefinition
from ticket_export.views.quick import QUICK_FILTERS

VIEW = "view"
DEFINITION = ("scope", "columns", "filters", "search", "sort")
LONGEST_VALUE = 8000
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,30}")


@dataclass(frozen=True, slots=True)
class ListParameters:
    """``given`` is what was laid on top of the view, as it came: links and forms of the page repeat it."""

    asked: AskedView
    given: dict[str, str]


def read_parameters(
    items: Iterable[tuple[str, Any]], *, besides: Sequence[str] = (), default_view: str | None = None
) -> ListParameters:
    """Read a view; ``besides`` are parameters that say something else. Raises InvalidRequestError that names each."""
    pairs = [(name, value) for name, value in items if name not in besides]
    faults = list(_doubtful(pairs))
    given = {name: value for name, value in pairs if isinstance(value, str)}
    view_id = given.pop(VIEW, default_view)
    if not view_id:
        faults.append(_fault(VIEW, "is missing"))
    if given.get("sort") == "":
        del given["sort"]  # the first choice of the page's own list: as in the view
    on_top = ViewDefinition()
    try:
        on_top = read_document(ViewDefinition, _document(given))
    except DocumentError as error:
        faults += [fault_of_parameter(Fault(("pointer", fault.pointer), fault.detail)) for fault in error.faults]
    if faults:
        raise InvalidRequestError(*faults)
    return ListParameters(AskedView(view_id, on_top=on_top), given)


def _document(given: dict[str, str]) -> dict[str, Any]:
    """Return what was given as the members of a request's body; raise DocumentError for filters that are no JSON."""
    document: dict[str, Any] = {name: given[name] for name in DEFINITION if name in given}
    if "filters" in document:
        document["filters"] = _filters(document["filters"])
    if "columns" in document:
        document["columns"] = document["columns"].split(",") if document["columns"] else []
    if "sort" in document:
        document["sort"] = _sort(document["sort"])
    quick_filters = {name: _quick(name, given[name]) for name in QUICK_FILTERS if name in given}
    return {**document, "quick_filters": quick_filters} if quick_filters else document


def _doubtful(pairs: Sequence[tuple[str, Any]]) -> Iterable[Fault]:
    known = (VIEW, *DEFINITION, *QUICK_FILTERS)
    for name, times in Counter(name for name, _ in pairs).items():
        if name not in known:
            yield _fault(name, f"is not known; allowed: {', '.join(known)}")
        elif times > 1:
            yield _fault(name, "comes more than once")
    for name, value in pairs:
        if not isinstance(value, str) or len(value) > LONGEST_VALUE:
            yield _fault(name, f"is not a text of at most {LONGEST_VALUE:,} characters")


def _fault(name: str, detail: str) -> Fault:
    return Fault(("parameter", name), detail)


def _filters(text: str) -> Any:
    try:
        return parse_json(text)
    except DocumentError as error:
        raise DocumentError(*(ViewFault(f"/filters{fault.pointer}", fault.detail) for fault in error.faults)) from error


def _sort(text: str) -> Any:
    """Read a name, or levels like ``priority:desc,title:asc``."""
    if ":" not in text and "," not in text:
        return text
    levels = [level.rpartition(":") for level in text.split(",")]
    return [{"field": field, "direction": way} if colon else {"field": way} for field, colon, way in levels]


def _quick(name: str, text: str) -> Any:
    """An address has texts only; a contact's id is a number."""
    return int(text) if name == "contact_id" and _WHOLE_NUMBER.fullmatch(text) else text


def fault_of_parameter(fault: Fault) -> Fault:
    """Tell a fault of a body, which has a JSON pointer, as one of the parameter that said it."""
    kind, place = fault.place
    if kind != "pointer":
        return fault
    name, _, rest = place.removeprefix("/").removeprefix("quick_filters/").partition("/")
    detail = f"/{rest} {fault.detail}" if rest else fault.detail
    return _fault(VIEW if name == "view_id" else name, detail)


def named_by_parameter(error: InvalidRequestError) -> InvalidRequestError:
    """Return the error with its faults named as the page's parameters."""
    return InvalidRequestError(*map(fault_of_parameter, error.faults))
