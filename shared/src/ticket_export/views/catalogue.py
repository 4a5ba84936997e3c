"""Everything that a view of one helpdesk can say, for programs and forms: read off the registries, nothing listed twice."""

from collections.abc import Iterable, Mapping
from typing import get_args

from pydantic import BaseModel, ConfigDict

from ticket_export.views.check import Helpdesk
from ticket_export.views.columns import DEFAULT_COLUMNS, Column
from ticket_export.views.dates import EXACT_DATE, GREATEST_AMOUNT, PRESETS, UNITS
from ticket_export.views.fields import FIELDS, Choices, Field
from ticket_export.views.operators import LONGEST_TEXT, MOST_VALUES, STATUS_GROUPS, operators_of
from ticket_export.views.payload import MOST_COLUMNS, MOST_CONDITIONS, MOST_LEVELS, SortLevel
from ticket_export.views.profiles import MOST_SPREADSHEET_ROWS, PROFILES, Delimiter
from ticket_export.views.quick import QUICK_FILTERS, QuickFilter
from ticket_export.views.scopes import SCOPE_ALIASES, SCOPES
from ticket_export.views.search import LONGEST_SEARCH, SEARCHABLE
from ticket_export.views.sorts import NAMED_SORT_LABELS, NAMED_SORTS

STATUS_GROUP_LABELS = {"__OPEN__": "Neither closed nor resolved", "__CLOSED__": "Closed or resolved"}
_DELIMITER_LABELS: dict[Delimiter, str] = {",": "Comma", ";": "Semicolon", "\t": "Tab"}


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Choice(_Model):
    """A value as a view says it, and what people call it."""

    value: str
    label: str


class DescribedColumn(_Model):
    """A column; ``default`` ones are in a view that names none, ``searchable`` ones are searched when selected."""

    name: str
    label: str
    type: str
    default: bool
    searchable: bool


class DescribedOperator(_Model):
    """What can be asked; ``value`` is its shape: none, text, number, choice, choices, date or span."""

    name: str
    label: str
    value: str


class DescribedField(_Model):
    """A field to filter by; ``choices`` names the list of its values, null: any value of the operator's shape."""

    name: str
    label: str
    type: str
    operators: tuple[DescribedOperator, ...]
    choices: str | None


class DescribedQuickFilter(_Model):
    """A quick filter; ``forms`` are the shapes of its text where it takes more than one of the ``choices``."""

    name: str
    label: str
    choices: str | None
    forms: tuple[str, ...] = ()


class NamedSort(_Model):
    """A sort by name, with the levels that it stands for."""

    name: str
    label: str
    levels: tuple[SortLevel, ...]


class Named(_Model):
    """A name with what people call it."""

    name: str
    label: str


class DescribedProfile(Named):
    """A way to write the file."""

    description: str


class DatePreset(_Model):
    """A named stretch of days; with ``takes`` as ``{"preset": name, takes: …}``."""

    name: str
    takes: str | None


class Dates(_Model):
    """What a date can be besides a day like 2024-05-01, and the units of a rolling span."""

    presets: tuple[DatePreset, ...]
    units: tuple[str, ...]
    greatest_amount: int


class Limits(_Model):
    """How much a view can say."""

    columns: int
    conditions: int
    values_per_condition: int
    sort_levels: int
    text_characters: int
    search_characters: int
    spreadsheet_rows: int


class Catalogue(_Model):
    """All of it; ``choices`` are the lists that fields and quick filters name, each once: staff can be many."""

    columns: tuple[DescribedColumn, ...]
    fields: tuple[DescribedField, ...]
    choices: dict[str, tuple[Choice, ...]]
    sorts: tuple[Named, ...]
    named_sorts: tuple[NamedSort, ...]
    scopes: tuple[Named, ...]
    quick_filters: tuple[DescribedQuickFilter, ...]
    dates: Dates
    profiles: tuple[DescribedProfile, ...]
    delimiters: tuple[Choice, ...]
    limits: Limits


def describe(helpdesk: Helpdesk) -> Catalogue:
    """Describe what views of this helpdesk can say now."""
    known = helpdesk.vocabulary
    return Catalogue(
        columns=tuple(map(_column, known.columns.values())),
        fields=tuple(map(_field, known.fields.values())),
        choices=_choices(helpdesk),
        sorts=tuple(Named(name=sort.name, label=sort.label) for sort in known.sorts.values()),
        named_sorts=tuple(map(_named_sort, NAMED_SORTS)),
        scopes=tuple(_scopes()),
        quick_filters=tuple(_quick_filter(name, quick) for name, quick in QUICK_FILTERS.items()),
        dates=_dates(),
        profiles=tuple(
            DescribedProfile(name=profile.name, label=profile.label, description=profile.description)
            for profile in PROFILES.values()
        ),
        delimiters=tuple(Choice(value=value, label=_DELIMITER_LABELS[value]) for value in get_args(Delimiter)),
        limits=Limits(
            columns=min(MOST_COLUMNS, len(known.columns)),
            conditions=MOST_CONDITIONS,
            values_per_condition=MOST_VALUES,
            sort_levels=MOST_LEVELS,
            text_characters=LONGEST_TEXT,
            search_characters=LONGEST_SEARCH,
            spreadsheet_rows=MOST_SPREADSHEET_ROWS,
        ),
    )


def _column(column: Column) -> DescribedColumn:
    return DescribedColumn(
        name=column.name,
        label=column.label,
        type=column.type.name.lower(),
        default=column.name in DEFAULT_COLUMNS,
        searchable=column.name in SEARCHABLE,
    )


def _field(field: Field) -> DescribedField:
    operators = (
        DescribedOperator(name=operator.name, label=operator.label, value=operator.shape.name.lower())
        for operator in operators_of(field).values()
    )
    return DescribedField(
        name=field.name,
        label=field.label,
        type=field.kind.value,
        operators=tuple(operators),
        choices=_list_of(field),
    )


def _list_of(field: Field) -> str | None:
    """Return the name of the list of a field's values."""
    if field.choices is None:
        return None
    return field.choices.value if isinstance(field.choices, Choices) else field.name


def _choices(helpdesk: Helpdesk) -> dict[str, tuple[Choice, ...]]:
    lists = {kind.value: _labelled(labels) for kind, labels in helpdesk.choices.items()}
    lists[Choices.STATUSES.value] += _labelled({name: STATUS_GROUP_LABELS[name] for name in STATUS_GROUPS})
    fixed = {field.name: field.choices for field in FIELDS.values() if isinstance(field.choices, tuple)}
    fixed |= {name: quick.allowed for name, quick in QUICK_FILTERS.items() if quick.allowed}
    return {**lists, **{name: _plain(values) for name, values in fixed.items()}}


def _labelled(labels: Mapping[str, str]) -> tuple[Choice, ...]:
    return tuple(Choice(value=value, label=label) for value, label in labels.items())


def _plain(values: Iterable[str]) -> tuple[Choice, ...]:
    return tuple(Choice(value=value, label=value.replace("_", " ").capitalize()) for value in values)


def _quick_filter(name: str, quick: QuickFilter) -> DescribedQuickFilter:
    choices = _list_of(FIELDS[quick.field]) if quick.field else name
    return DescribedQuickFilter(name=name, label=quick.label, choices=choices, forms=quick.forms)


def _named_sort(name: str) -> NamedSort:
    levels = tuple(SortLevel(field=field, direction=direction) for field, direction in NAMED_SORTS[name])
    return NamedSort(name=name, label=NAMED_SORT_LABELS[name], levels=levels)


def _scopes() -> Iterable[Named]:
    for name, scope in SCOPES.items():
        yield Named(name=name, label=scope.label)
    for alias, name in SCOPE_ALIASES.items():
        yield Named(name=alias, label=SCOPES[name].label)


def _dates() -> Dates:
    presets = [
        DatePreset(name=name, takes="amount" if preset.takes_amount else None) for name, preset in PRESETS.items()
    ]
    return Dates(
        presets=(*presets, DatePreset(name=EXACT_DATE, takes="date")),
        units=tuple(UNITS),
        greatest_amount=GREATEST_AMOUNT,
    )
