"""Custom fields: what a helpdesk adds to its tickets as JSON becomes columns, filters and sorts like any other.

Keys are data, not names: they reach SQL as quoted text only. A value that is not of its field's type is no value.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from ticket_export.views.cells import CellType
from ticket_export.views.columns import COLUMNS, Column
from ticket_export.views.fields import FIELDS, Field, FieldKind
from ticket_export.views.literals import text
from ticket_export.views.reading import plain
from ticket_export.views.sorts import SORTS, Nulls, Sort

PREFIX = "custom."


class CustomField(BaseModel):
    """A custom field as the helpdesk defines it; an unknown type counts as text."""

    model_config = ConfigDict(frozen=True)

    label: str
    type: str


@dataclass(frozen=True, slots=True)
class CustomType:
    """What a type means: ``sql`` takes the JSON value ``{value}`` to SQL, NULL unless it is of the type."""

    cell: CellType
    kind: FieldKind
    sql: str
    nulls: Nulls


_SCALAR = "CASE WHEN jsonb_typeof({value}) IN ('string', 'number', 'boolean') THEN {value} #>> '{}' END"
# datetime() alone would also take 2024-2-9, the year 0 and blanks at the end; silent, it gives NULL for what is no day.
_DAY = (
    "CASE WHEN jsonb_typeof({value}) = 'string' AND {value} #>> '{}' ~ '^(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}$'"
    " THEN (jsonb_path_query_first({value}, '$.datetime(\"YYYY-MM-DD\")', '{}', true) #>> '{}')::date END"
)

CUSTOM_TYPES: dict[str, CustomType] = {
    "text": CustomType(CellType.TEXT, FieldKind.STRING, _SCALAR, Nulls.LAST_TEXT),
    "select": CustomType(CellType.TEXT, FieldKind.SELECTION, _SCALAR, Nulls.LAST_TEXT),
    "number": CustomType(
        CellType.NUMBER,
        FieldKind.NUMBER,
        "CASE WHEN jsonb_typeof({value}) = 'number' THEN ({value})::numeric END",
        Nulls.LAST_NUMBER,
    ),
    "boolean": CustomType(
        CellType.BOOLEAN,
        FieldKind.BOOLEAN,
        "CASE WHEN jsonb_typeof({value}) = 'boolean' THEN ({value})::boolean END",
        Nulls.LAST_BOOLEAN,
    ),
    "date": CustomType(
        CellType.DATE,
        FieldKind.DAY,
        _DAY,
        Nulls.LAST_DAY,
    ),
}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Every column, filter field and sort of one helpdesk, by name."""

    columns: Mapping[str, Column]
    fields: Mapping[str, Field]
    sorts: Mapping[str, Sort]


def vocabulary(custom_fields: Mapping[str, CustomField]) -> Vocabulary:
    """Return the registries with a helpdesk's custom fields added."""
    columns, fields, sorts = dict(COLUMNS), dict(FIELDS), dict(SORTS)
    for key, field in custom_fields.items():
        name = PREFIX + key
        kind = CUSTOM_TYPES.get(field.type, CUSTOM_TYPES["text"])
        expression = plain(kind.sql.replace("{value}", f"(t.custom -> {text(key)}::text)"))
        is_text = kind.cell is CellType.TEXT
        columns[name] = Column(name, field.label, kind.cell, expression, usual_bytes=40, unbounded=is_text)
        fields[name] = Field(name, field.label, kind.kind, expression, may_be_empty=True)
        sorts[name] = Sort(name, field.label, kind.nulls.terms(expression))
    return Vocabulary(columns, fields, sorts)
