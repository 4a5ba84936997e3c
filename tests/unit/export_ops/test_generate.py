import pytest

from export_ops.source.generate import (
    Index,
    Schemas,
    bookkeeping,
    history_function,
    history_indexes,
    live_indexes,
    prepare_history,
    version_table,
)
from ticket_export.source_contract import CONTRACT, SourceTable, source_table

SCHEMAS = Schemas(source="helpdesk", bookkeeping="export_source")
TICKETS = source_table("tickets")


def test_names_are_quoted_wherever_they_stand() -> None:
    odd = Schemas(source='he"lp', bookkeeping='bo"ok')
    sql = prepare_history(odd, TICKETS) + version_table(odd, TICKETS)
    assert '"he""lp"."tickets"' in sql
    assert '"bo""ok"."stamp"()' in sql
    assert '"bo""ok"."hist_he""lp_tickets"' in sql
    assert "he\"lp'," in sql, "as a value it is a literal"
    assert bookkeeping(odd).count('"bo""ok".') > 10
    assert "{schema}" not in bookkeeping(odd)


@pytest.mark.parametrize("table", CONTRACT, ids=lambda table: table.name)
def test_the_history_function_names_the_contracts_columns_and_no_others(table: SourceTable) -> None:
    lines = [line.strip() for line in history_function(SCHEMAS, table).splitlines()]
    copied = [line.split('"')[1] for line in lines if line.startswith('kept."')]
    assert copied == [*table.column_names, "valid_from"]


def test_the_history_function_is_pinned_against_the_callers_search_path() -> None:
    sql = history_function(SCHEMAS, TICKETS)
    assert "SECURITY DEFINER SET search_path = pg_catalog, pg_temp" in sql
    assert "REVOKE ALL ON FUNCTION" in sql


def test_all_three_triggers_fire_always() -> None:
    sql = version_table(SCHEMAS, TICKETS)
    for trigger in ("zz_stamp", "zz_hist", "zz_trunc"):
        assert f"CREATE TRIGGER {trigger} " in sql
        assert f"ENABLE ALWAYS TRIGGER {trigger}" in sql


def test_a_history_is_indexed_by_order_key_joins_and_end() -> None:
    assert [index.columns for index in history_indexes(TICKETS)] == [("creation_time", "id"), ("id",), ("valid_to",)]
    members = history_indexes(source_table("team_members"))
    assert [index.columns for index in members] == [("team_id", "staff_id"), ("staff_id",), ("valid_to",)]


def test_the_host_gets_one_index_and_none_on_valid_from() -> None:
    assert [index for table in CONTRACT for index in live_indexes(table)] == [Index("tickets", ("creation_time", "id"))]


def test_a_long_index_name_is_shortened_to_what_postgresql_keeps() -> None:
    names = {Index("t" * 50, (column * 20,)).name for column in "ab"}
    assert len(names) == 2
    assert all(len(name) <= 63 for name in names)
    assert Index("teams_history", ("id",)).name == "teams_history_id_export"
