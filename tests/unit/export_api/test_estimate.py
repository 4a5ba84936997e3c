"""From counted rows to bytes, seconds and warnings."""

from datetime import UTC, datetime

from export_api.use_cases.estimate_export import ROWS_PER_SECOND, estimate_of
from ticket_export.views.compile import CompiledView, compile_view
from ticket_export.views.payload import ViewPayload


def view(payload: ViewPayload) -> CompiledView:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return compile_view(payload, snapshot=None, requested_at=at, source_schema="a", bookkeeping_schema="b")


def test_an_estimate_grows_with_the_rows_and_the_columns() -> None:
    narrow, wide = view(ViewPayload(columns=("id",))), view(ViewPayload(columns=("id", "description")))
    assert estimate_of(narrow, 0).size_bytes == len(narrow.header.encode())
    assert estimate_of(wide, 10).size_bytes > estimate_of(narrow, 10).size_bytes > estimate_of(narrow, 9).size_bytes
    assert [estimate_of(narrow, rows).seconds for rows in (0, ROWS_PER_SECOND - 1, 3 * ROWS_PER_SECOND)] == [1, 1, 4]


def test_a_spreadsheets_last_row_is_told_before_the_export() -> None:
    [warning] = estimate_of(view(ViewPayload()), 1_048_576).warnings
    assert (warning.code, warning.count) == ("too_many_rows", 1)
    assert estimate_of(view(ViewPayload(profile="machine")), 1_048_576).warnings == ()
