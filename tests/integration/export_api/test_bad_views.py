"""Whatever is wrong with a view is refused over HTTP: 422, the JSON pointer, what would be allowed, and no trace."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from integration.export_api.running_api import JSON, Answer, Api
from local_stack.demo.people import ADA, OPEN_WORK

NOBODY = str(UUID(int=1))
Named = Mapping[str, str]


def condition(field: str, operator: str, *value: object) -> dict[str, Any]:
    told = {"value": value[0]} if value else {}
    return {"filters": {"all": [{"field": field, "operator": operator, **told}]}}


VALUE = "/filters/all/0/value"
SHAPES: list[tuple[str, Mapping[str, Any], Named]] = [
    ("unknown member", {"column": ["id"]}, {"/column": "columns"}),
    ("unknown member of a condition", {"filters": {"any": [{"field": "id", "operator": "is_empty", "not": 1}]}}, {"/filters/any/0/not": "field, operator, value"}),
    ("unknown member of a group", {"filters": {"none": []}}, {"/filters/none": "all, any"}),
    ("nested group", {"filters": {"all": [{"all": []}]}}, {"/filters/all/0/field": "missing", "/filters/all/0/operator": "missing", "/filters/all/0/all": "field, operator, value"}),
    ("unknown scope", {"scope": "mine"}, {"/scope": "my_tickets"}),
    ("unknown field", condition("colour", "is", "red"), {"/filters/all/0/field": "last_modification_time"}),
    ("unknown custom field", condition("custom.gone", "eq", "x"), {"/filters/all/0/field": "custom.location"}),
    ("unknown operator", condition("title", "like", "x"), {"/filters/all/0/operator": "not_contains"}),
    ("operator of another type", condition("creation_time", "contains", "2024"), {"/filters/all/0/operator": "is_within_past"}),
    ("unknown status", condition("status", "is", "Open"), {VALUE: "awaiting_vendor"}),
    ("one unknown status of several", condition("status", "is_any_of", ["new", "gone"]), {VALUE: "__CLOSED__"}),
    ("unknown priority", condition("priority", "gte", "urgent"), {VALUE: "critical"}),
    ("unknown language", condition("language", "is", "tlh"), {VALUE: "en"}),
    ("unknown team", condition("owning_team_id", "is", NOBODY), {VALUE: "unknown"}),
    ("unknown person", condition("assignee_id", "is", NOBODY), {VALUE: NOBODY}),
    ("unknown SLA status", condition("sla_status", "is", "late"), {VALUE: "approaching_breach"}),
    ("no id", condition("assignee_id", "is", "ada"), {VALUE: "id"}),
    ("no day", condition("creation_time", "is", "2024-02-30"), {VALUE: "last_month"}),
    ("unknown preset", condition("creation_time", "is", {"preset": "last_year"}), {VALUE: "last_month"}),
    ("unknown unit", condition("creation_time", "is_within_past", {"amount": 2, "unit": "weeks"}), {VALUE: "months"}),
    ("date out of reach", condition("creation_time", "is_within_next", {"amount": 100_000, "unit": "months"}), {VALUE: "9999"}),
    ("text for a number", condition("id", "eq", "7"), {VALUE: "whole number"}),
    ("boolean for a number", condition("id", "eq", True), {VALUE: "whole number"}),
    ("number for a text", condition("title", "eq", 7), {VALUE: "text"}),
    ("list for one value", condition("title", "eq", ["x"]), {VALUE: "text"}),
    ("one value for a list", condition("status", "is_any_of", "new"), {VALUE: "list"}),
    ("value that is not asked for", condition("has_tasks", "is_true", True), {VALUE: "no value"}),
    ("missing value", condition("title", "contains"), {VALUE: "text"}),
    ("NUL", condition("title", "contains", "a\x00b"), {VALUE: "NUL"}),
    ("too long a text", condition("title", "contains", "x" * 1001), {VALUE: "1,000"}),
    ("too many values", condition("id", "is_empty") | condition("status", "is_any_of", ["new"] * 201), {VALUE: "200"}),
    ("too many conditions", {"filters": {"all": [{"field": "id", "operator": "is_empty"}] * 51}}, {"/filters": "50"}),
    ("unknown column", {"columns": ["id", "titel"]}, {"/columns/1": "title"}),
    ("duplicate column", {"columns": ["id", "title", "id"]}, {"/columns/2": "once"}),
    ("empty selection", {"columns": []}, {"/columns": "at least one"}),
    ("columns as a text", {"columns": "id"}, {"/columns": "list"}),
    ("unknown sort", {"sort": "cheapest"}, {"/sort": "newest, oldest"}),
    ("unknown sort field", {"sort": [{"field": "id"}, {"field": "description"}]}, {"/sort/1/field": "owning_team_name"}),
    ("sort field twice", {"sort": [{"field": "id"}, {"field": "id", "direction": "desc"}]}, {"/sort/1/field": "once"}),
    ("unknown direction", {"sort": [{"field": "id", "direction": "up"}]}, {"/sort/0/direction": "'asc' or 'desc'"}),
    ("no level", {"sort": []}, {"/sort": "at least one"}),
    ("too many levels", {"sort": [{"field": "id"}] * 9}, {"/sort": "8"}),
    ("too long a search", {"search": "x" * 201}, {"/search": "200"}),
    ("unknown quick filter", {"quick_filters": {"team": "x"}}, {"/quick_filters/team": "team_id"}),
    ("wrong quick filter", {"quick_filters": {"snooze": "maybe"}}, {"/quick_filters/snooze": "not_snoozed"}),
    ("unknown team of a quick filter", {"quick_filters": {"assignee_id": f"team:{NOBODY}:unassigned"}}, {"/quick_filters/assignee_id": "unknown"}),
    ("unknown time zone", {"time_zone": "Europe/Entenhausen"}, {"/time_zone": "Europe/Berlin"}),
    ("time zone as PostgreSQL's POSIX", {"time_zone": "XYZ+3"}, {"/time_zone": "IANA"}),
    ("unknown profile", {"profile": "excel"}, {"/profile": "'spreadsheet' or 'machine'"}),
    ("unknown delimiter", {"delimiter": "|"}, {"/delimiter": "';'"}),
]  # fmt: skip


async def assert_no_trace(api: Api) -> None:
    assert [await api.count(table) for table in ("jobs", "tasks", "audit_log", "outbox")] == [0, 0, 0, 0]


def assert_told(answer: Answer, named: Named, what: object) -> None:
    assert (answer.status, answer.headers["Content-Type"]) == (422, "application/problem+json"), what
    assert set(answer.faults) == set(named), (what, answer.faults)
    for place, allowed in named.items():
        assert allowed in answer.faults[place], (what, answer.faults)


async def test_each_sort_of_fault_is_named_with_what_is_allowed(api: Api) -> None:
    for what, wrong, named in SHAPES:
        assert_told(await api.request_export("cara", {"view_id": "open", **wrong}), named, what)
    await assert_no_trace(api)


async def test_an_inline_view_is_checked_where_it_stands(api: Api) -> None:
    for what, wrong, named in SHAPES:
        if not {"time_zone", "profile", "delimiter"} & set(wrong):
            inside = {f"/view{place}": allowed for place, allowed in named.items()}
            assert_told(await api.request_export("cara", {"view": wrong}), inside, what)
    await assert_no_trace(api)


async def test_an_estimate_refuses_the_same(api: Api) -> None:
    for what, wrong, named in SHAPES[::5]:
        body = {"view_id": "open", **wrong}
        assert_told(await api.call("POST", "/api/v1/exports/estimate", user="cara", json=body), named, what)


async def test_every_fault_is_told_at_once(api: Api) -> None:
    answer = await api.request_export(
        "cara",
        {
            "view": {"scope": "mine", **condition("title", "like", "x")},
            "columns": ["nothing", "id", "id"],
            "filters": {
                "any": [{"field": "status", "operator": "is", "value": "gone"}, {"field": "x", "operator": "is"}]
            },
            "sort": "cheapest",
            "time_zone": "Nowhere",
        },
    )

    assert set(answer.faults) == {
        "/view/scope", "/view/filters/all/0/operator", "/columns/0", "/columns/2", "/filters/any/0/value",
        "/filters/any/1/field", "/sort", "/time_zone",
    }  # fmt: skip
    await assert_no_trace(api)


async def test_a_zone_that_the_database_reads_otherwise_is_refused(api: Api) -> None:
    """PostgreSQL takes CET for an abbreviation without summer time; dates would be cut by another clock than shown."""
    for name in ("CET", "EET", "MET", "WET"):
        answer = await api.request_export("cara", {"view_id": "open", "time_zone": name})
        assert (answer.status, set(answer.faults)) == (422, {"/time_zone"}), name
    for name in ("UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Etc/GMT+5", "Pacific/Apia"):
        assert (await api.request_export("cara", {"view_id": "open", "time_zone": name})).status == 202, name


AMBIGUOUS: list[tuple[str, Named]] = [
    ('{"view_id": "all", "view_id": "open"}', {"/view_id": "more than once"}),
    ('{"view_id": "all", "filters": {"all": [], "all": []}}', {"/filters/all": "more than once"}),
    ('{"view_id": "all", "filters": {"all": [{"field": "id", "operator": "eq", "value": 1, "value": 2}]}}', {VALUE: "more than once"}),
    ('{"view_id": "all", "quick_filters": {"status": "new", "status": "active"}}', {"/quick_filters/status": "more than once"}),
    ('{"view_id": "all", "search": NaN}', {"/search": "not a number that JSON has"}),
    ('{"view_id": "all", "filters": {"all": [{"field": "id", "operator": "eq", "value": -Infinity}]}}', {VALUE: "not a number that JSON has"}),
    ('{"view_id": "all", "filters": {"all": [{"field": "id", "operator": "eq", "value": 1e999}]}}', {VALUE: "not a number that JSON has"}),
    ('{"view_id": "all", "columns": ["\\ud800"]}', {"/columns/0": "half of a pair"}),
    ('{"view_id": "all", "quick_filters": {"\\udfff": 1}}', {"/quick_filters": "half of a pair"}),
    ('{"view_id": "all", "search": ' + "[" * 30 + "]" * 30 + "}", {"/search" + "/0" * 20: "20 levels"}),
    ('{"view_id": "all", "search": ' + '{"a":' * 3000 + "1" + "}" * 3001, {"": "20 levels"}),
    ('{"view_id": "all", "search": ' + "9" * 5000 + "}", {"": "not JSON"}),
    ('{"view_id": "all",}', {"": "not JSON"}),
    ("\ufeff{}", {"": "not JSON"}),
]  # fmt: skip


async def test_json_that_could_be_read_in_two_ways_is_refused(api: Api) -> None:
    for text, named in AMBIGUOUS:
        answer = await api.call("POST", "/api/v1/exports", user="cara", data=text.encode(), headers=JSON)
        assert_told(answer, named, text[:100])
    latin = await api.call("POST", "/api/v1/exports", user="cara", data=b'{"view_id": "\xe4"}', headers=JSON)
    assert_told(latin, {"": "UTF-8"}, latin)
    await assert_no_trace(api)


@pytest.mark.parametrize("attack", ["'; DROP TABLE helpdesk.tickets; --", "\\' OR 1=1 --", "%_\\", "$$;$1", '"x"; --'])
async def test_what_looks_like_sql_is_data(api: Api, attack: str) -> None:
    body = {
        "view_id": "all",
        "search": attack,
        "filters": {"all": [{"field": "custom.location", "operator": "contains", "value": attack}]},
    }

    answer = await api.request_export("cara", body)

    assert answer.status == 202
    payload = json.loads(await api.database.fetchval("SELECT payload FROM exports.jobs"))
    assert (payload["search"], payload["filters"][0]["all"][0]["value"]) == (attack, attack)


async def test_the_whole_view_is_stored_as_of_the_request(api: Api) -> None:
    saved = {
        "version": 2,
        "scope": "my_tickets",
        "columns": ["id", "custom.location"],
        "search": "printer",
        "quick_filters": {"status": "new", "snooze": "any"},
        **condition("priority", "gte", "high"),
        "sort": "sla",
    }
    await api.database.execute(
        "UPDATE helpdesk.views SET definition = $2::text::jsonb WHERE id = $1", OPEN_WORK.id, json.dumps(saved)
    )
    on_top = {
        "search": " screen ",
        "quick_filters": {"status": "active", "assignee_id": str(ADA.id)},
        **condition("assignee_id", "is_not", str(ADA.id).upper()),
        "time_zone": "Europe/Berlin",
        "profile": "machine",
        "delimiter": "\t",
    }

    answer = await api.request_export("ada", {"view_id": str(OPEN_WORK.id), **on_top})

    assert answer.status == 202
    job = await api.database.fetchrow("SELECT payload, view_id, view_name FROM exports.jobs")
    assert job is not None
    payload = json.loads(job["payload"])
    teams = [str(team) for team in payload.pop("requester_team_ids")]
    assert payload == {
        "version": 2,
        "scope": "my_tickets",
        "columns": ["id", "custom.location"],
        "filters": [{"any": [], **saved["filters"]}, {"any": [], **on_top["filters"]}],
        "quick_filters": {"status": "active", "snooze": "any", "assignee_id": str(ADA.id)},
        "search": "screen",
        "sort": [{"field": "sla_due_at", "direction": "asc"}, {"field": "creation_time", "direction": "desc"}],
        "time_zone": "Europe/Berlin",
        "profile": "machine",
        "delimiter": "\t",
        "requester_id": str(ADA.id),
        "custom_fields": {"location": {"label": "Location", "type": "text"}},
    }
    assert teams == []
    assert job["view_name"] == OPEN_WORK.name


async def test_the_audit_tells_how_wide_a_view_is_and_not_what_it_looks_for(api: Api) -> None:
    body = {
        "view": {
            "scope": "open",
            "columns": ["id", "title"],
            **condition("contact.email", "eq", "someone@example.com"),
        },
        "search": "Someone",
        "quick_filters": {"contact_id": 7},
    }

    answer = await api.request_export("cara", body)

    assert answer.json["view"] == {"id": "inline", "name": "Custom view"}
    [audited] = await api.audited("requested")
    assert audited["view_id"] == "inline"
    assert json.loads(audited["details"])["view"] == {
        "scope": "open", "columns": 2, "conditions": 1, "quick_filters": 1, "searched": True, "profile": "spreadsheet",
    }  # fmt: skip
    assert "omeone" not in audited["details"]
    outbox = await api.database.fetch("SELECT body FROM exports.outbox")
    assert "omeone" not in "".join(row["body"] for row in outbox)
