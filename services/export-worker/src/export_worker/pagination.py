"""Arithmetic of a plan: from the count and the measured instants to pages, tasks and part numbers. Pure."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from export_worker.documents import PlannedPage, PlannedTask
from ticket_export.views.compile import FRACTIONS, LEAST_ID

# S3's limits: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
MOST_PARTS = 10_000
LEAST_PART_BYTES = 5 * 1024 * 1024
LARGEST_PART_BYTES = 5 * 1024**3

Boundary = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Tie:
    """An instant that holds so many tickets that it must be cut by id, into ``pieces`` pieces."""

    instant: str
    pieces: int


def choose_instants(rows: int, cuts: Sequence[str], page_rows: int) -> list[str]:
    """Return the instants between pages, ascending, repeated where one instant fills several pages."""
    pages = min(FRACTIONS, -(-rows // page_rows))
    return [cuts[index * FRACTIONS // pages - 1] for index in range(1, pages)] if pages > 1 else []


def find_ties(instants: Sequence[str]) -> list[Tie]:
    """Return the instants that come more than once."""
    return [Tie(instant, times + 1) for instant, times in Counter(instants).items() if times > 1]


def boundaries(instants: Sequence[str], ids_within: Callable[[str], Sequence[int]]) -> list[Boundary]:
    """Return the keys between pages, newest first; ``ids_within`` gives the ids that cut a tie, ascending."""
    ascending: list[Boundary] = []
    for instant, times in Counter(instants).items():
        # Cut below all ids, the whole instant belongs to the newer page.
        ids = ids_within(instant) if times > 1 else [LEAST_ID]
        ascending.extend((instant, ticket_id) for ticket_id in dict.fromkeys(ids))
    return ascending[::-1]


def pages_between(keys: Sequence[Boundary]) -> list[PlannedPage]:
    """Return the pages that the keys separate, newest first."""
    uppers: list[Boundary | None] = [None, *keys]
    lowers: list[Boundary | None] = [*keys, None]
    return [PlannedPage(upper=upper, lower=lower) for upper, lower in zip(uppers, lowers, strict=True)]


def task_count(pages: int, least_bytes: int, most_tasks: int) -> int:
    """Return how many copy tasks: each surely exceeds S3's least part, since only the last part may be smaller."""
    return max(1, min(pages, most_tasks, least_bytes // LEAST_PART_BYTES))


def part_size(estimated_bytes: int, tasks: int, least: int) -> int:
    """Return a part size with which the estimate, doubled for safety, fits each task's block of part numbers."""
    block = MOST_PARTS // tasks
    needed = -(-2 * estimated_bytes // (tasks * block))
    return max(least, needed)


def assign(pages: Sequence[PlannedPage], tasks: int) -> list[PlannedTask]:
    """Deal the pages into runs of nearly equal length, each with a block of part numbers of its own."""
    block = MOST_PARTS // tasks
    edges = [len(pages) * index // tasks for index in range(tasks + 1)]
    return [
        PlannedTask(pages=tuple(pages[edges[index] : edges[index + 1]]), first_part=index * block + 1)
        for index in range(tasks)
    ]
