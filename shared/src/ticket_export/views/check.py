"""Checks a view against the registries and one helpdesk, and merges what was asked with what it was asked of.

Every fault has the JSON pointer of its culprit; nothing is dropped, nothing is guessed.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from ticket_export.views.custom import CustomField, Vocabulary, vocabulary
from ticket_export.views.dates import time_zones
from ticket_export.views.faults import ViewError, ViewFault, pointer, unknown
from ticket_export.views.fields import FIELDS, Choices, Field
from ticket_export.views.operators import STATUS_GROUPS, Moment, Shape, checked_text, find_operator, parse_value
from ticket_export.views.payload import (
    MOST_CONDITIONS,
    Condition,
    FilterGroup,
    QuickFilters,
    SortLevel,
    ViewDefinition,
)
from ticket_export.views.quick import QUICK_FILTERS, Owner
from ticket_export.views.scopes import SCOPE_ALIASES, SCOPES, scope_names
from ticket_export.views.search import LONGEST_SEARCH
from ticket_export.views.sorts import NAMED_SORTS


@dataclass(frozen=True, slots=True)
class Helpdesk:
    """What there is to choose from in one helpdesk at one moment: ids and names as text, with what people call them."""

    choices: Mapping[Choices, Mapping[str, str]]
    custom_fields: Mapping[str, CustomField] = field(default_factory=dict)

    @property
    def vocabulary(self) -> Vocabulary:
        """The registries with this helpdesk's custom fields."""
        return vocabulary(self.custom_fields)


def check_time_zone(name: str) -> ZoneInfo:
    """Return the time zone; raise ViewError for a name that is not IANA's."""
    if name not in time_zones():
        raise ViewError(f"time zone {name[:100]!r} is unknown; allowed: IANA names like Europe/Berlin or UTC")
    return ZoneInfo(name)


def staff_ids(definition: ViewDefinition) -> set[str]:
    """Return the staff ids that a view names, so that one statement can tell which of them exist."""
    named = {str(value) for _, asked in _conditions(definition.filters) for value in _named(asked)}
    for name, value in (definition.quick_filters or {}).items():
        if name in {"created_by_id", "assignee_id"} and isinstance(value, str):
            named.update(value.split(":"))
    return named


def _named(condition: Condition) -> list[Any]:
    known = FIELDS.get(condition.field)
    if known is None or known.choices is not Choices.STAFF:
        return []
    return condition.value if isinstance(condition.value, list) else [condition.value]


def _conditions(group: FilterGroup | None) -> Iterator[tuple[str, Condition]]:
    if group is not None:
        for name, conditions in (("all", group.all), ("any", group.any)):
            for number, condition in enumerate(conditions):
                yield pointer("filters", name, number), condition


@dataclass(slots=True)
class _Check:
    """One definition's faults as they are found."""

    helpdesk: Helpdesk
    moment: Moment
    faults: list[ViewFault] = field(default_factory=list)
    _vocabulary: Vocabulary | None = None

    @property
    def vocabulary(self) -> Vocabulary:
        if self._vocabulary is None:
            self._vocabulary = self.helpdesk.vocabulary
        return self._vocabulary

    def attempt(self, place: str, check: Callable[[], object]) -> None:
        """Note what the check raises."""
        try:
            check()
        except ViewError as error:
            self.faults.append(ViewFault(place, str(error)))

    def scope(self, name: str) -> None:
        if name not in SCOPES and name not in SCOPE_ALIASES:
            raise unknown("scope", name, scope_names())

    def columns(self, names: tuple[str, ...]) -> None:
        if not names:
            self.faults.append(ViewFault("/columns", "at least one column is needed"))
        for number, name in enumerate(names):
            place = pointer("columns", number)
            if name not in self.vocabulary.columns:
                self.faults.append(ViewFault(place, str(unknown("column", name, self.vocabulary.columns))))
            elif name in names[:number]:
                self.faults.append(ViewFault(place, f"column {name!r} may come once only"))

    def filters(self, group: FilterGroup) -> None:
        found = list(_conditions(group))
        if len(found) > MOST_CONDITIONS:
            self.faults.append(ViewFault("/filters", f"at most {MOST_CONDITIONS} conditions are allowed"))
            return
        for place, condition in found:
            self.condition(place, condition)

    def condition(self, place: str, condition: Condition) -> None:
        fields = self.vocabulary.fields
        if condition.field not in fields:
            self.faults.append(ViewFault(f"{place}/field", str(unknown("field", condition.field, fields))))
            return
        asked = fields[condition.field]
        try:
            operator = find_operator(asked, condition.operator)
        except ViewError as error:
            self.faults.append(ViewFault(f"{place}/operator", str(error)))
            return

        def value() -> None:
            parsed = parse_value(asked, operator, condition.value, self.moment)
            if operator.shape is Shape.CHOICE:
                self.chosen(asked, parsed)
            if operator.shape is Shape.CHOICES:
                for each in parsed:
                    self.chosen(asked, each)

        self.attempt(f"{place}/value", value)

    def chosen(self, asked: Field, value: str) -> None:
        """Raise ViewError unless the helpdesk has what was chosen."""
        if not isinstance(asked.choices, Choices):
            return
        known = self.helpdesk.choices[asked.choices]
        groups = STATUS_GROUPS if asked.choices is Choices.STATUSES else {}
        if value in known or value in groups:
            return
        if asked.choices is Choices.STAFF:
            raise ViewError(f"there is no member of staff with the id {value}")
        raise unknown("value", value, [*sorted(known), *groups])

    def quick_filters(self, given: QuickFilters) -> None:
        for name, value in given.items():
            place = pointer("quick_filters", name)
            if name not in QUICK_FILTERS:
                self.faults.append(ViewFault(place, str(unknown("quick filter", name, QUICK_FILTERS))))
            else:
                self.attempt(place, lambda name=name, value=value: self.quick_filter(name, value))  # type: ignore[misc]

    def quick_filter(self, name: str, value: Any) -> None:
        quick = QUICK_FILTERS[name]
        parsed = quick.parse(value, self.moment)
        if isinstance(parsed, Owner):
            for choices, chosen in (
                (FIELDS["owning_team_id"], parsed.team_id),
                (FIELDS["assignee_id"], parsed.assignee_id),
            ):
                if chosen is not None:
                    self.chosen(choices, chosen)
        elif quick.field is not None and isinstance(parsed, str):
            self.chosen(FIELDS[quick.field], parsed)

    def sort(self, sort: tuple[SortLevel, ...] | str) -> None:
        if isinstance(sort, str):
            if sort not in NAMED_SORTS:
                self.faults.append(ViewFault("/sort", str(unknown("sort", sort, NAMED_SORTS))))
            return
        if not sort:
            self.faults.append(ViewFault("/sort", "at least one level is needed"))
        names = [level.field for level in sort]
        for number, name in enumerate(names):
            place = pointer("sort", number, "field")
            if name not in self.vocabulary.sorts:
                self.faults.append(ViewFault(place, str(unknown("sort field", name, self.vocabulary.sorts))))
            elif name in names[:number]:
                self.faults.append(ViewFault(place, f"sort field {name!r} may come once only"))


def check_definition(definition: ViewDefinition, helpdesk: Helpdesk, moment: Moment) -> list[ViewFault]:
    """Return everything that is wrong with a definition, with pointers from its own root."""
    check = _Check(helpdesk, moment)
    if definition.scope is not None:
        scope = definition.scope
        check.attempt("/scope", lambda: check.scope(scope))
    if definition.columns is not None:
        check.columns(definition.columns)
    if definition.filters is not None:
        check.filters(definition.filters)
    if definition.quick_filters is not None:
        check.quick_filters(definition.quick_filters)
    if definition.search is not None and (sought := definition.search.strip()):
        check.attempt("/search", lambda: checked_text(sought, LONGEST_SEARCH))
    if definition.sort is not None:
        check.sort(definition.sort)
    return check.faults
