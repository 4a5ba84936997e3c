"""What a form or a program is told about views is what the checks take."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from ticket_export.views.catalogue import Catalogue, DescribedField, describe
from ticket_export.views.check import Helpdesk, check_definition
from ticket_export.views.custom import CUSTOM_TYPES, CustomField
from ticket_export.views.fields import Choices
from ticket_export.views.operators import Moment
from ticket_export.views.payload import ViewDefinition
from ticket_export.views.sorts import NAMED_SORT_LABELS, NAMED_SORTS

STAFF, TEAM = "00000000-0000-0000-0000-000000000101", "00000000-0000-0000-0000-000000000401"
HELPDESK = Helpdesk(
    choices={
        Choices.STATUSES: {"new": "New", "closed": "Closed"},
        Choices.PRIORITIES: {"low": "Low", "high": "High"},
        Choices.LANGUAGES: {"en": "English"},
        Choices.TEAMS: {TEAM: "First line"},
        Choices.STAFF: {STAFF: "Ada Lindqvist"},
    },
    custom_fields={name: CustomField(label=f"My {name}", type=name) for name in CUSTOM_TYPES},
)
MOMENT = Moment(datetime(2026, 1, 1, tzinfo=UTC), ZoneInfo("UTC"))
CATALOGUE: Catalogue = describe(HELPDESK)
VALUES = {
    "none": None,
    "text": "x",
    "number": 7,
    "date": "2024-05-01",
    "span": {"amount": 3, "unit": CATALOGUE.dates.units[0]},
}


def faults(document: object) -> list[object]:
    return [*check_definition(ViewDefinition.model_validate(document), HELPDESK, MOMENT)]


def value_for(field: DescribedField, shape: str) -> object:
    if shape not in {"choice", "choices"}:
        return VALUES[shape]
    chosen = [choice.value for choice in CATALOGUE.choices[field.choices]] if field.choices else ["anything"]
    return chosen if shape == "choices" else chosen[-1]


def test_whatever_is_offered_is_taken() -> None:
    for field in CATALOGUE.fields:
        for operator in field.operators:
            value = value_for(field, operator.value)
            asked = {"field": field.name, "operator": operator.name, "value": value}
            assert faults({"filters": {"all": [asked]}}) == [], asked
    assert faults({"columns": [column.name for column in CATALOGUE.columns]}) == []
    for sort in CATALOGUE.sorts:
        assert faults({"sort": [{"field": sort.name}]}) == []
    for named in CATALOGUE.named_sorts:
        assert faults({"sort": named.name}) == faults({"sort": named.levels}) == []
    for scope in CATALOGUE.scopes:
        assert faults({"scope": scope.name}) == []


def test_whatever_a_quick_filter_offers_is_taken() -> None:
    for quick in CATALOGUE.quick_filters:
        offered: list[object] = [choice.value for choice in CATALOGUE.choices[quick.choices]] if quick.choices else [7]
        offered += [form.replace("X:assignee:Y", f"{TEAM}:assignee:{STAFF}").replace("team:X", f"team:{TEAM}")
                    for form in quick.forms if form != "X"]  # fmt: skip
        for value in offered:
            assert faults({"quick_filters": {quick.name: value}}) == [], (quick.name, value)


def test_presets_are_taken_in_the_form_that_is_told() -> None:
    for preset in CATALOGUE.dates.presets:
        takes = {"amount": 2, "date": "2024-05-01"}
        value = {"preset": preset.name, preset.takes: takes[preset.takes]} if preset.takes else preset.name
        asked = {"field": "closed_at", "operator": "is", "value": value}
        assert faults({"filters": {"all": [asked]}}) == [], value


def test_labels_are_the_helpdesks_and_custom_fields_are_there() -> None:
    statuses = {choice.value: choice.label for choice in CATALOGUE.choices["statuses"]}
    assert statuses == {
        "new": "New", "closed": "Closed",
        "__OPEN__": "Neither closed nor resolved", "__CLOSED__": "Closed or resolved",
    }  # fmt: skip
    named = {field.name: field for field in CATALOGUE.fields}
    assert (named["status"].choices, named["assignee_id"].choices) == ("statuses", "staff")
    assert (named["sla_status"].choices, named["title"].choices) == ("sla_status", None)
    assert named["custom.date"].label == "My date"
    columns = {column.name: column for column in CATALOGUE.columns}
    assert [columns[name].type for name in ("custom.number", "creation_time", "title")] == [
        "number",
        "timestamp",
        "text",
    ]
    assert [column.name for column in CATALOGUE.columns if column.default][:2] == ["id", "title"]
    assert not columns["language"].searchable
    assert columns["title"].searchable
    assert "custom.select" in {sort.name for sort in CATALOGUE.sorts}
    assert CATALOGUE.limits.columns == len(CATALOGUE.columns) == 28 + len(CUSTOM_TYPES)


def test_each_named_sort_has_its_words() -> None:
    assert set(NAMED_SORT_LABELS) == set(NAMED_SORTS)
