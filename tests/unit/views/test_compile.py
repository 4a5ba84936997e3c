"""The statements as text: what they read, where the conditions stand, and what they never contain."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from ticket_export.snapshot import Snapshot
from ticket_export.source_contract import CONTRACT
from ticket_export.views.columns import COLUMNS
from ticket_export.views.compile import LEAST_ID, CompiledView, Key, Page, PagedStatement, compile_view
from ticket_export.views.fields import FIELDS
from ticket_export.views.payload import NOBODY, Condition, FilterGroup, ViewPayload
from ticket_export.views.scopes import SCOPES

SNAPSHOT = Snapshot(10, 20, (12, 15))
REQUESTED_AT = datetime(2024, 5, 6, 7, 8, 9, 123_456, tzinfo=UTC)
UPPER, LOWER = Key("2024-01-02 00:00:00.5+00", 7), Key("2024-01-01 00:00:00+00", -3)
PAGES = {"all": Page(), "first": Page(lower=LOWER), "middle": Page(UPPER, LOWER), "last": Page(upper=UPPER)}
PLACE = ("2024-01-02 00:00:00.5+00", "7")
PLACES: dict[str, dict[str, Any]] = {"first": {}, "next": {"after": PLACE}, "previous": {"before": PLACE}}
CONTRACT_TABLES = {table.name: table for table in CONTRACT}
READ = re.compile(r'(?:FROM|JOIN) "(?P<schema>[^"]+)"\."(?P<table>[^"]+)"')


# Something asked of every field, so that each of its tables is read.
ASKED = {"string": "is_not_empty", "tags": "is_empty", "number": "is_not_empty", "boolean": "is_true"}
EVERY_FIELD = FilterGroup(
    any=(
        *(Condition(field=f.name, operator=ASKED[f.kind.value]) for f in FIELDS.values() if f.kind.value in ASKED),
        *(
            Condition(field=f.name, operator="is", value=value)
            for f in FIELDS.values()
            if (value := {"date": "today", "selection": str(NOBODY), "user": str(NOBODY)}.get(f.kind.value))
            if not isinstance(f.choices, tuple)
        ),
        Condition(field="status_type", operator="is", value="open"),
        Condition(field="priority", operator="gt", value="low"),
    )
)


def view(scope: str, *columns: str) -> CompiledView:
    payload = ViewPayload(scope=scope, columns=columns) if columns else everything(scope)
    return compile_view(
        payload,
        snapshot=SNAPSHOT,
        requested_at=REQUESTED_AT,
        source_schema="helpdesk",
        bookkeeping_schema="export_source",
    )


def everything(scope: str) -> ViewPayload:
    """Every column, something of every field, and a search."""
    return ViewPayload(scope=scope, columns=tuple(COLUMNS), filters=(EVERY_FIELD,), search="sought")


def statements(compiled: CompiledView) -> dict[str, str]:
    made = {
        "measure": compiled.measure(),
        "count": compiled.count(),
        "cut_instant": compiled.cut_instant("2024-01-01 00:00:00+00", 5),
    }
    for name, place in PLACES.items():
        made[f"listing {name}"] = compiled.listing(50, **place)
    for name, page in PAGES.items():
        made[f"copy {name}"] = compiled.copy().for_page(page)
    return made


EVERY = [(scope, name, statement) for scope in SCOPES for name, statement in statements(view(scope)).items()]
EVERY_STATEMENT = pytest.mark.parametrize(
    ("scope", "statement"),
    [(scope, statement) for scope, _, statement in EVERY],
    ids=[f"{scope}-{name}" for scope, name, _ in EVERY],
)


@EVERY_STATEMENT
def test_only_tables_of_the_contract_are_read(scope: str, statement: str) -> None:
    read = [(found["schema"], found["table"]) for found in READ.finditer(statement)]
    assert {schema for schema, _ in read} == {"helpdesk"}
    assert {table.removesuffix("_history") for _, table in read} <= set(CONTRACT_TABLES)
    # Nothing is read in another way of writing it.
    assert len(re.findall(r"\b(?:FROM|JOIN)\b", statement)) - len(
        re.findall(r"FROM (?:\(|unnest\(t\.)", statement)
    ) == len(read)


def test_the_tables_of_a_view_are_those_that_its_statement_reads() -> None:
    compiled = view("following")
    read = {found["table"].removesuffix("_history") for found in READ.finditer(compiled.copy().head)}
    assert compiled.tables == read
    # The others are read when the request is made.
    captured = {"roles", "staff_roles", "team_members", "custom_fields", "views"}
    assert read == set(CONTRACT_TABLES) - captured


@EVERY_STATEMENT
def test_every_table_is_read_with_its_history(scope: str, statement: str) -> None:
    read = [found["table"] for found in READ.finditer(statement)]
    live = sorted(table for table in read if not table.endswith("_history"))
    assert sorted(table.removesuffix("_history") for table in read if table.endswith("_history")) == live
    assert "tickets" in live


@EVERY_STATEMENT
def test_every_row_version_is_judged_by_the_snapshot(scope: str, statement: str) -> None:
    for found in re.finditer(r'LEFT JOIN "helpdesk"\."(?P<table>\w+)" (?P<alias>\w+) ON (?P<on>[^\n]*)', statement):
        live = not found["table"].endswith("_history")
        assert found["on"].endswith(SNAPSHOT.visible(found["alias"], live=live))
    assert f"AND {SNAPSHOT.visible('t')}" in statement


@EVERY_STATEMENT
def test_conditions_stand_above_the_union(scope: str, statement: str) -> None:
    unions = re.findall(r"FROM \((SELECT [^()]* UNION ALL SELECT [^()]*)\) [rt]\b", statement)
    assert not any("WHERE" in union for union in unions)
    assert len(unions) == statement.count("UNION ALL")
    assert sum('"tickets"' in union for union in unions) == 1


@EVERY_STATEMENT
def test_no_statement_reads_a_clock_or_skips_rows(scope: str, statement: str) -> None:
    without_texts = re.sub(r"'(?:[^']|'')*'", "''", statement)
    forbidden = (
        r"\b(now|clock_timestamp|statement_timestamp|current_(date|time|timestamp)|localtime\w*|OFFSET|random)\b"
    )
    assert not re.search(forbidden, without_texts, re.IGNORECASE)
    assert "$" not in without_texts


@EVERY_STATEMENT
def test_a_snapshot_whose_rows_are_gone_is_refused_by_the_statement_itself(scope: str, statement: str) -> None:
    assert """WHERE (SELECT "export_source".assert_safe('10:20:12,15', ARRAY['""" in statement


@EVERY_STATEMENT
def test_deleted_tickets_are_nobodys(scope: str, statement: str) -> None:
    assert "AND t.deleted_at IS NULL" in statement


@EVERY_STATEMENT
def test_every_ticket_column_is_in_the_contract(scope: str, statement: str) -> None:
    names = set(re.findall(r"\bt\.(\w+)", statement)) - {"valid_from", "valid_to"}
    assert names <= set(CONTRACT_TABLES["tickets"].column_names)


@EVERY_STATEMENT
def test_every_label_column_is_in_the_contract(scope: str, statement: str) -> None:
    for found in re.finditer(r'LEFT JOIN "helpdesk"\."(?P<table>\w+)" (?P<alias>\w+) ', statement):
        names = set(re.findall(rf"\b{found['alias']}\.(\w+)", statement)) - {"valid_from", "valid_to"}
        assert names <= set(CONTRACT_TABLES[found["table"].removesuffix("_history")].column_names)


@pytest.mark.parametrize("scope", ["open", "unassigned", "overdue"])
def test_snoozed_is_judged_at_the_moment_of_the_request(scope: str) -> None:
    snoozed = "t.snoozed_until <= '2024-05-06T07:08:09.123456+00:00'::timestamptz"
    for statement in statements(view(scope)).values():
        assert f"(t.snoozed_until IS NULL OR {snoozed})" in statement


def test_what_each_scope_asks_for() -> None:
    asked = {scope: view(scope, "id").count() for scope in SCOPES}
    assert "'open'" not in asked["all"]
    assert all(("'open'" in asked[scope]) == (scope not in {"all", "closed", "snoozed"}) for scope in SCOPES)
    assert "t.assignee_id IS NULL AND t.owning_team_id IS NULL" in asked["unassigned"]
    assert "t.sla_status = 'breached'" in asked["overdue"]
    assert "'breached'" not in "".join(asked[scope] for scope in SCOPES if scope != "overdue")


def test_a_table_is_joined_only_for_what_is_shown_or_asked() -> None:
    assert "JOIN" not in view("all", "id", "title").copy().head
    assert '"staff"' not in view("open", "id", "status").copy().head
    assert view("open", "status").copy().head.count("JOIN") == 2


def test_pages_are_bounded_by_keys() -> None:
    copy = view("all", "id").copy()
    upper = "(t.creation_time, t.id) < ('2024-01-02 00:00:00.5+00'::timestamptz, '7'::bigint)"
    lower = "(t.creation_time, t.id) >= ('2024-01-01 00:00:00+00'::timestamptz, '-3'::bigint)"
    bounds = {name: (upper in copy.for_page(page), lower in copy.for_page(page)) for name, page in PAGES.items()}
    assert bounds == {"all": (False, False), "first": (False, True), "middle": (True, True), "last": (True, False)}


def test_bounds_go_before_the_order() -> None:
    statement = PagedStatement("SELECT 1\nWHERE true", "\nORDER BY x").for_page(PAGES["middle"])
    head, first, second, tail = statement.removeprefix("SELECT 1\n").split("\n")
    assert (head, tail) == ("WHERE true", "ORDER BY x")
    assert first.startswith("  AND (t.creation_time, t.id) < ")
    assert second.startswith("  AND (t.creation_time, t.id) >= ")


def test_pages_and_lists_go_newest_first() -> None:
    order = "ORDER BY t.creation_time DESC, t.id DESC"
    assert view("all").copy().for_page(PAGES["middle"]).endswith(order)
    assert view("all").listing(50).endswith(f"{order} LIMIT 50")
    oldest_first = "ORDER BY t.creation_time ASC, t.id ASC LIMIT 50"
    assert view("all").listing(50, before=PLACE).endswith(oldest_first)


def test_a_key_quotes_its_text() -> None:
    assert Key("x'; --", 1).compared("<") == "(t.creation_time, t.id) < ('x''; --'::timestamptz, '1'::bigint)"


def test_a_bound_before_all_ids_of_an_instant_compares_the_instant_alone() -> None:
    assert Key("2024", LEAST_ID).compared("<") == "t.creation_time < '2024'::timestamptz"
    assert Key("2024", LEAST_ID).compared(">=") == "t.creation_time >= '2024'::timestamptz"
    assert Key("2024", LEAST_ID + 1).compared("<").startswith("(t.creation_time, t.id) < ")


def test_cuts_are_evenly_spread() -> None:
    measure = view("all", "id").measure()
    assert "1/256.0,2/256.0," in measure
    assert ",255/256.0]" in measure
    assert "ARRAY[1/3.0,2/3.0]" in view("all", "id").cut_instant("2024-01-01", 3)
    assert "AND t.creation_time = '2024-01-01'::timestamptz" in view("all", "id").cut_instant("2024-01-01", 3)


def test_a_list_numbers_its_columns_and_tells_the_place() -> None:
    listing = view("all", "id", "status").listing(5)
    assert "SELECT t.id AS c0, coalesce(" in listing
    assert "AS c1, ARRAY[(t.creation_time)::text, (t.id)::text] AS place" in listing


def test_estimates_grow_with_the_columns() -> None:
    few, many = view("all", "id"), view("all")
    assert few.least_row_bytes == len('"1"\n')
    assert few.least_row_bytes < many.least_row_bytes < many.usual_row_bytes
    assert few.usual_row_bytes < many.usual_row_bytes


def test_schemas_are_quoted() -> None:
    compiled = compile_view(
        ViewPayload(scope="open"),
        snapshot=SNAPSHOT,
        requested_at=REQUESTED_AT,
        source_schema='odd"name',
        bookkeeping_schema="book keeping",
    )
    assert '"odd""name"."tickets"' in compiled.count()
    assert '"book keeping".assert_safe' in compiled.count()
