"""The captured view: everything that decides what is in the file, fixed at the moment of the request.

It is stored as versioned JSON with the job; a later edit of the saved view changes nothing, and a payload of an older
version still runs.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, JsonValue, Tag, TypeAdapter

from ticket_export.views.columns import DEFAULT_COLUMNS
from ticket_export.views.custom import CustomField
from ticket_export.views.profiles import Delimiter, ProfileName
from ticket_export.views.scopes import SCOPES
from ticket_export.views.sorts import NEWEST, Direction, Levels

MOST_CONDITIONS = 50
MOST_LEVELS = 8
MOST_COLUMNS = 500
NOBODY = UUID(int=0)

Name = Annotated[str, Field(min_length=1, max_length=200)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Condition(_Model):
    """One question about a ticket; ``value`` has the shape that the operator asks for."""

    field: Name
    operator: Name
    value: JsonValue = None


class FilterGroup(_Model):
    """Holds when all of ``all`` hold and, if ``any`` has members, at least one of them."""

    all: tuple[Condition, ...] = ()
    any: tuple[Condition, ...] = ()


class SortLevel(_Model):
    """One level of a sort."""

    field: Name
    direction: Direction = "asc"


QuickFilters = dict[str, JsonValue]


def _form_of_sort(value: Any) -> str:
    return "name" if isinstance(value, str) else "levels"


_Levels = Annotated[tuple[SortLevel, ...], Field(max_length=MOST_LEVELS)]
# Told apart by form, so that a wrong level is one fault and not also "no name".
SortChoice = Annotated[Annotated[_Levels, Tag("levels")] | Annotated[Name, Tag("name")], Discriminator(_form_of_sort)]


class ViewDefinition(_Model):
    """What a view says, inline, saved or laid on top of another; None: it says nothing of that."""

    scope: Name | None = None
    columns: Annotated[tuple[Name, ...], Field(max_length=MOST_COLUMNS)] | None = None
    filters: FilterGroup | None = None
    quick_filters: QuickFilters | None = None
    search: str | None = None
    sort: SortChoice | None = None


class SavedDefinition(ViewDefinition):
    """What a saved view's row holds as JSON; version 1 has a scope and nothing else."""

    version: Literal[1, 2]


def _newest() -> tuple[SortLevel, ...]:
    return tuple(SortLevel(field=field, direction=direction) for field, direction in NEWEST)


class ViewPayload(_Model):
    """One view as it is to be exported; ``time_zone`` is an IANA name. Checked by ``check.py`` before it is stored."""

    version: Literal[2] = 2
    scope: str = "all"
    columns: tuple[str, ...] = DEFAULT_COLUMNS
    filters: tuple[FilterGroup, ...] = ()
    quick_filters: QuickFilters = Field(default_factory=dict)
    search: str | None = None
    sort: tuple[SortLevel, ...] = Field(default_factory=_newest)
    time_zone: str = "UTC"
    profile: ProfileName = "spreadsheet"
    delimiter: Delimiter = ","
    requester_id: UUID = NOBODY
    requester_team_ids: tuple[UUID, ...] = ()
    custom_fields: dict[str, CustomField] = Field(default_factory=dict)

    @property
    def levels(self) -> Levels:
        """The sort as the order takes it."""
        return tuple((level.field, level.direction) for level in self.sort)


def _upgraded(stored: Any) -> Any:
    """Version 1 had the members that it has now, and no others."""
    if isinstance(stored, dict) and stored.get("version") == 1:
        return {**stored, "version": 2}
    return stored


_STORED: TypeAdapter[ViewPayload] = TypeAdapter(Annotated[ViewPayload, BeforeValidator(_upgraded)])


def load_payload(stored: str) -> ViewPayload:
    """Read a stored payload of any version; raise pydantic's ValidationError for anything else."""
    return _STORED.validate_json(stored)


class BuiltInView(_Model):
    """A view that every helpdesk has."""

    id: str
    name: str
    definition: ViewDefinition


BUILT_IN_VIEWS: dict[str, BuiltInView] = {
    name: BuiltInView(id=name, name=scope.label, definition=ViewDefinition(scope=name))
    for name, scope in SCOPES.items()
}
