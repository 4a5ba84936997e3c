"""Snapshots as text, and the condition that they become; that it is PostgreSQL's own is shown in integration/views."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ticket_export.snapshot import LIVE, Snapshot

XID = st.integers(min_value=1, max_value=2**64 - 1)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    xmin, xmax = sorted((draw(XID), draw(XID)))
    assume(xmin <= xmax)
    running: set[int] = set()
    if xmin < xmax:
        running = draw(st.sets(st.integers(min_value=xmin, max_value=xmax - 1), max_size=20))
    return Snapshot(xmin, xmax, tuple(sorted(running)))


@given(snapshots())
def test_a_snapshot_survives_its_text(snapshot: Snapshot) -> None:
    assert Snapshot.parse(str(snapshot)) == snapshot


def test_the_text_is_that_of_postgresql() -> None:
    assert Snapshot.parse("10:20:12,15") == Snapshot(10, 20, (12, 15))
    assert Snapshot.parse("750:750:") == Snapshot(750, 750, ())
    assert str(Snapshot(10, 20, (12, 15))) == "10:20:12,15"
    assert str(Snapshot(750, 750, ())) == "750:750:"


JUNK = [
    "",
    "10:20",
    "10:20:,",
    "10:20:12,",
    "10:20:12;DROP",
    "10:20:12\n",
    " 10:20:12",
    "-1:20:",
    "10:20:12:13",
    "0x10:20:",
    "١٠:٢٠:",
    "1_0:20:",
    "0:20:",
    "20:10:",
    "10:20:9",
    "10:20:20",
    "10:20:15,12",
    "10:20:12,12",
    "18446744073709551616:18446744073709551617:",
    "100000000000000000000:100000000000000000001:",
]


@pytest.mark.parametrize("text", JUNK)
def test_what_postgresql_would_not_print_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a snapshot"):
        Snapshot.parse(text)


@given(st.text(alphabet="0123456789:,- \n'", max_size=30))
def test_what_is_accepted_is_printed_the_same_but_for_leading_zeros(text: str) -> None:
    try:
        snapshot = Snapshot.parse(text)
    except ValueError:
        return
    xmin, xmax, running = text.split(":")
    assert (int(xmin), int(xmax)) == (snapshot.xmin, snapshot.xmax)
    assert [int(xid) for xid in running.split(",") if xid] == list(snapshot.running)


def test_the_condition_compares_both_ends_of_a_row_version() -> None:
    assert Snapshot(10, 20, (12, 15)).visible("t") == (
        "t.valid_from < '20'::xid8 AND t.valid_from <> ALL ('{12,15}'::xid8[])"
        " AND t.valid_to >= '10'::xid8 AND (t.valid_to >= '20'::xid8 OR t.valid_to = ANY ('{12,15}'::xid8[]))"
    )


def test_without_running_transactions_the_condition_names_none() -> None:
    condition = Snapshot(10, 20, ()).visible("t")
    assert condition == "t.valid_from < '20'::xid8 AND t.valid_to >= '10'::xid8 AND t.valid_to >= '20'::xid8"


def test_a_table_of_current_rows_has_no_end_to_compare() -> None:
    assert Snapshot(10, 20, ()).visible("c", live=True) == "c.valid_from < '20'::xid8"
    assert "valid_to" not in Snapshot(10, 20, (12,)).visible("c", live=True)
    assert "<> ALL ('{12}'::xid8[])" in Snapshot(10, 20, (12,)).visible("c", live=True)


def test_a_live_row_ends_after_every_transaction() -> None:
    assert int(LIVE) == 2**64 - 1
