"""The order of a view as text: where it ends, how a place in it is compared, and that nobody else's place is taken."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ticket_export.views.compile import CompiledView, compile_view
from ticket_export.views.order import with_id
from ticket_export.views.payload import SortLevel, ViewPayload
from ticket_export.views.sorts import NAMED_SORTS, SORTS

AT = datetime(2024, 5, 6, tzinfo=UTC)


def view(*levels: tuple[str, Any]) -> CompiledView:
    sort = tuple(SortLevel(field=field, direction=direction) for field, direction in levels)
    payload = ViewPayload(columns=("id",), sort=sort)
    return compile_view(
        payload, snapshot=None, requested_at=AT, source_schema="helpdesk", bookkeeping_schema="export_source"
    )


def order_by(*levels: tuple[str, Any]) -> str:
    return view(*levels).copy().tail.removeprefix("\nORDER BY ")


def test_every_order_ends_in_id_in_the_direction_of_its_first_level() -> None:
    for direction in ("asc", "desc"):
        other = "desc" if direction == "asc" else "asc"
        for field in set(SORTS) - {"id"}:
            assert order_by((field, direction)).endswith(f", t.id {direction.upper()}")
            assert with_id(((field, direction), ("title", other)))[-1] == ("id", direction)  # type: ignore[arg-type]


def test_nothing_after_id_matters() -> None:
    assert order_by(("title", "asc"), ("id", "desc"), ("category", "asc")) == order_by(("title", "asc"), ("id", "desc"))


def test_missing_names_are_last_in_both_directions() -> None:
    for direction in ("asc", "desc"):
        missing = order_by(("assignee_name", direction)).split(" IS NULL) ")[1]
        assert missing.startswith("ASC, ")


def test_text_goes_by_the_root_collation() -> None:
    for field in ("title", "category", "language", "sla_status", "contact_name"):
        assert 'COLLATE pg_catalog."und-x-icu" ASC' in order_by((field, "asc"))


@pytest.mark.parametrize(
    ("levels", "direction"),
    [
        ((("creation_time", "desc"),), "desc"),
        ((("creation_time", "asc"),), "asc"),
        ((("creation_time", "desc"), ("id", "desc")), "desc"),
        ((("creation_time", "desc"), ("id", "asc")), None),
        ((("creation_time", "desc"), ("title", "desc")), None),
        ((("id", "asc"),), None),
        (NAMED_SORTS["sla"], None),
    ],
)
def test_only_the_order_of_creation_is_cut_into_pages(levels: Any, direction: str | None) -> None:
    compiled = view(*levels)
    assert compiled.follows_creation == direction
    assert ("percentile_disc" in compiled.measure()) == (direction is not None)


def test_steps_in_one_direction_are_one_comparison() -> None:
    place = ("2024-01-01 00:00:00+00", "7")
    rows = "({}) {} ('2024-01-01 00:00:00+00'::timestamptz, '7'::bigint)"
    keys = "t.creation_time, t.id"
    assert rows.format(keys, "<") in view(("creation_time", "desc")).listing(5, after=place)
    assert rows.format(keys, ">") in view(("creation_time", "desc")).listing(5, before=place)
    assert rows.format(keys, ">") in view(("creation_time", "asc")).listing(5, after=place)


def test_steps_in_two_directions_are_spelled_out() -> None:
    listing = view(("closed_at", "asc"), ("creation_time", "desc")).listing(5, after=("a", "b", "7"))
    closed, created = "coalesce(t.closed_at, '-infinity')", "t.creation_time"
    assert (
        f"({closed} > 'a'::timestamptz OR ({closed} = 'a'::timestamptz AND"
        f" ({created} < 'b'::timestamptz OR ({created} = 'b'::timestamptz AND (t.id > '7'::bigint)))))"
    ) in listing


@pytest.mark.parametrize("place", [(), ("1",), ("1", "2", "3")])
def test_a_place_of_another_order_is_refused(place: tuple[str, ...]) -> None:
    for where in ("after", "before"):
        with pytest.raises(ValueError, match="another order"):
            view(("creation_time", "desc")).listing(5, **{where: place})


def test_a_place_is_data() -> None:
    listing = view(("title", "asc")).listing(5, after=("'; DROP TABLE tickets; --", "\\'"))
    assert "('''; DROP TABLE tickets; --'::text, E'\\\\'''::bigint)" in listing
