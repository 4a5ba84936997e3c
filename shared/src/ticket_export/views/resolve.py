"""A view as it was asked for → the payload that is stored: what is laid on top replaces or narrows the view's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from ticket_export.views.columns import DEFAULT_COLUMNS
from ticket_export.views.custom import PREFIX, CustomField
from ticket_export.views.payload import FilterGroup, SortLevel, ViewDefinition, ViewPayload
from ticket_export.views.profiles import Delimiter, ProfileName
from ticket_export.views.scopes import SCOPE_ALIASES
from ticket_export.views.sorts import NAMED_SORTS


@dataclass(frozen=True, slots=True)
class Presentation:
    """How the file is to be written."""

    time_zone: str = "UTC"
    profile: ProfileName = "spreadsheet"
    delimiter: Delimiter = ","


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asked, with their teams at that moment."""

    id: UUID
    team_ids: tuple[UUID, ...]


def resolve(
    view: ViewDefinition,
    on_top: ViewDefinition,
    *,
    presentation: Presentation,
    requester: Requester,
    custom_fields: Mapping[str, CustomField],
) -> ViewPayload:
    """Merge two checked definitions into the payload; only custom fields that it names go along."""
    scope = on_top.scope or view.scope or "all"
    columns = on_top.columns or view.columns or DEFAULT_COLUMNS
    filters = tuple(group for group in (view.filters, on_top.filters) if group is not None and (group.all or group.any))
    sort = _levels(on_top.sort or view.sort or "newest")
    named = {*columns, *(level.field for level in sort), *_filtered(filters)}
    search = view.search if on_top.search is None else on_top.search
    return ViewPayload(
        scope=SCOPE_ALIASES.get(scope, scope),
        columns=columns,
        filters=filters,
        quick_filters={**(view.quick_filters or {}), **(on_top.quick_filters or {})},
        search=(search or "").strip() or None,
        sort=sort,
        time_zone=presentation.time_zone,
        profile=presentation.profile,
        delimiter=presentation.delimiter,
        requester_id=requester.id,
        requester_team_ids=requester.team_ids,
        custom_fields={key: custom for key, custom in custom_fields.items() if PREFIX + key in named},
    )


def _levels(sort: tuple[SortLevel, ...] | str) -> tuple[SortLevel, ...]:
    if isinstance(sort, str):
        return tuple(SortLevel(field=name, direction=direction) for name, direction in NAMED_SORTS[sort])
    return sort


def _filtered(groups: tuple[FilterGroup, ...]) -> set[str]:
    return {condition.field for group in groups for condition in (*group.all, *group.any)}
