"""Pages, tasks and part numbers of a plan, against tickets in a list."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_worker.documents import PlannedPage
from export_worker.pagination import (
    LARGEST_PART_BYTES,
    LEAST_PART_BYTES,
    MOST_PARTS,
    Tie,
    assign,
    boundaries,
    choose_instants,
    find_ties,
    pages_between,
    part_size,
    task_count,
)
from ticket_export.views.compile import FRACTIONS, LEAST_ID

MIB = 1024 * 1024
Ticket = tuple[str, int]


def percentiles(ascending: Sequence[Ticket], pieces: int) -> list[Ticket]:
    """Return what percentile_disc gives for 1/pieces, 2/pieces, …"""
    return [ascending[-(-len(ascending) * index // pieces) - 1] for index in range(1, pieces)] if ascending else []


def plan_pages(tickets: Sequence[Ticket], page_rows: int) -> list[PlannedPage]:
    """Go the planner's way, with a list for a database."""
    ascending = sorted(tickets)
    cuts = [instant for instant, _ in percentiles(ascending, FRACTIONS)]
    instants = choose_instants(len(ascending), cuts, page_rows)
    ids = {
        tie.instant: [i for _, i in percentiles([t for t in ascending if t[0] == tie.instant], tie.pieces)]
        for tie in find_ties(instants)
    }
    return pages_between(boundaries(instants, ids.__getitem__))


def within(ticket: Ticket, page: PlannedPage) -> bool:
    return (page.upper is None or ticket < page.upper) and (page.lower is None or ticket >= page.lower)


@st.composite
def helpdesks(draw: st.DrawFn) -> list[Ticket]:
    instants = draw(st.lists(st.integers(1000, 9999).map(str), min_size=1, max_size=30))
    sizes = draw(st.lists(st.integers(1, 40), min_size=len(instants), max_size=len(instants)))
    ids = iter(range(-200, 10_000))
    return [(instant, next(ids)) for instant, size in zip(instants, sizes, strict=True) for _ in range(size)]


@given(helpdesks(), st.integers(1, 200))
def test_every_ticket_is_in_exactly_one_page_and_none_is_too_long(tickets: list[Ticket], page_rows: int) -> None:
    pages = plan_pages(tickets, page_rows)
    counts = [sum(within(ticket, page) for ticket in tickets) for page in pages]
    assert sum(counts) == len(tickets)
    assert all(sum(within(ticket, page) for page in pages) == 1 for ticket in tickets)
    wanted = min(FRACTIONS, -(-len(tickets) // page_rows))
    assert len(pages) <= wanted
    # A page begins at an instant's end, unless that instant is cut itself: at most one instant longer than its share.
    largest = max(sum(instant == other for other, _ in tickets) for instant, _ in tickets)
    assert max(counts) <= 2 * len(tickets) / wanted + largest + 1


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_pages_of_single_tickets_are_even(rows: int, page_rows: int) -> None:
    tickets = [(f"{number:05}", 1) for number in range(rows)]
    pages = plan_pages(tickets, page_rows)
    wanted = min(FRACTIONS, -(-rows // page_rows))
    assert len(pages) == wanted
    edges = [rows, *(int(page.lower[0]) for page in pages if page.lower), 0]
    counts = [upper - lower for upper, lower in pairwise(edges)]
    assert max(counts) <= rows / wanted + rows / FRACTIONS + 2


def test_pages_go_newest_first_and_join_without_a_gap() -> None:
    pages = pages_between([("2", 5), ("1", LEAST_ID)])
    assert [(page.upper, page.lower) for page in pages] == [
        (None, ("2", 5)),
        (("2", 5), ("1", LEAST_ID)),
        (("1", LEAST_ID), None),
    ]


def test_no_ticket_is_one_empty_page() -> None:
    assert choose_instants(0, [], 100) == []
    assert pages_between(boundaries([], lambda _: [])) == [PlannedPage(upper=None, lower=None)]


def test_a_whole_page_needs_no_cut() -> None:
    cuts = [f"{number:03}" for number in range(1, FRACTIONS)]
    assert choose_instants(100, cuts, 100) == []
    assert choose_instants(101, cuts, 100) == ["128"]
    assert choose_instants(400, cuts, 100) == ["064", "128", "192"]
    assert choose_instants(10**9, cuts, 100) == cuts


def test_an_instant_that_fills_several_pages_is_cut_by_id() -> None:
    instants = ["1", "2", "2", "2", "3"]
    assert find_ties(instants) == [Tie("2", 4)]
    keys = boundaries(instants, {"2": [10, 20, 30]}.__getitem__)
    assert keys == [("3", LEAST_ID), ("2", 30), ("2", 20), ("2", 10), ("1", LEAST_ID)]


def test_an_instant_with_fewer_tickets_than_pieces_has_no_empty_page() -> None:
    assert boundaries(["2", "2", "2"], {"2": [7, 7, 8]}.__getitem__) == [("2", 8), ("2", 7)]


PAGES = [PlannedPage(upper=None, lower=(str(number), number)) for number in range(64)]


@given(st.integers(1, 64).flatmap(lambda pages: st.tuples(st.just(pages), st.integers(1, pages))))
def test_tasks_share_the_pages_and_the_part_numbers(shape: tuple[int, int]) -> None:
    pages, tasks = shape
    planned = assign(PAGES[:pages], tasks)
    assert len(planned) == tasks
    assert [page for task in planned for page in task.pages] == PAGES[:pages]
    lengths = [len(task.pages) for task in planned]
    assert max(lengths) - min(lengths) <= 1
    assert min(lengths) >= 1
    block = MOST_PARTS // tasks
    numbers = [number for task in planned for number in range(task.first_part, task.first_part + block)]
    assert numbers == sorted(set(numbers))
    assert (numbers[0], numbers[-1] <= MOST_PARTS) == (1, True)


@pytest.mark.parametrize(
    ("pages", "least_bytes", "most", "tasks"),
    [
        (1, 10**12, 8, 1),
        (64, 10**12, 8, 8),
        (3, 10**12, 8, 3),
        (64, 0, 8, 1),
        (64, LEAST_PART_BYTES - 1, 8, 1),
        (64, 2 * LEAST_PART_BYTES - 1, 8, 1),
        (8, 9 * LEAST_PART_BYTES, 8, 8),
    ],
)
def test_how_many_tasks(pages: int, least_bytes: int, most: int, tasks: int) -> None:
    assert task_count(pages, least_bytes, most) == tasks


@given(st.integers(0, 10**14), st.integers(1, 64), st.integers(LEAST_PART_BYTES, 64 * MIB))
def test_twice_the_estimate_fits_the_part_numbers(estimate: int, tasks: int, least: int) -> None:
    size = part_size(estimate, tasks, least)
    assert size >= least
    assert tasks * (MOST_PARTS // tasks) * size >= 2 * estimate
    assert size == least or tasks * (MOST_PARTS // tasks) * (size - 1) < 2 * estimate


def test_the_limits_are_those_of_s3() -> None:
    assert (MOST_PARTS, LEAST_PART_BYTES, LARGEST_PART_BYTES) == (10_000, 5 * MIB, 5 * 1024 * MIB)
    assert part_size(20 * 1024**4, 1, 8 * MIB) < LARGEST_PART_BYTES
