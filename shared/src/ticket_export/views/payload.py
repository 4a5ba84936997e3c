"""The captured view: everything that decides what is in the file, fixed at the moment of the request.

It is stored as versioned JSON with the job. A later edit of the saved view changes nothing.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from ticket_export.views.columns import COLUMNS, DEFAULT_COLUMNS
from ticket_export.views.profiles import ProfileName
from ticket_export.views.scopes import SCOPES, ScopeName


def _known_columns(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise ValueError("at least one column is needed")
    for name in names:
        if name not in COLUMNS:
            raise ValueError(f"unknown column {name!r}; known are {', '.join(COLUMNS)}")
    if len(set(names)) != len(names):
        raise ValueError("a column may be named once only")
    return names


class ViewPayload(BaseModel):
    """One view as it is to be exported; ``time_zone`` is an IANA name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    scope: ScopeName
    columns: Annotated[tuple[str, ...], AfterValidator(_known_columns)] = DEFAULT_COLUMNS
    time_zone: Literal["UTC"] = "UTC"
    profile: ProfileName = "spreadsheet"
    delimiter: Literal[","] = ","


class ViewDefinition(BaseModel):
    """What a saved view's row holds as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1]
    scope: ScopeName


class BuiltInView(BaseModel):
    """A view that every helpdesk has."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    scope: ScopeName


BUILT_IN_VIEWS: dict[str, BuiltInView] = {
    name: BuiltInView(id=name, name=scope.label, scope=name) for name, scope in SCOPES.items()
}
