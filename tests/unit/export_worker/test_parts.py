"""Parts are a pure function of the stream: however the bytes arrive, wherever the work is taken up again."""

import hashlib
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_worker.copy import Skip
from export_worker.documents import Checkpoint
from export_worker.errors import ReplanError
from export_worker.parts import Cut, Cutter, Mark

PART = 7
PAGES = st.lists(st.binary(max_size=25), min_size=1, max_size=6)


@dataclass(frozen=True)
class Part:
    """A part's bytes and where it ends."""

    content: bytes
    end: Mark


def part_of(cut: Cut) -> Part:
    content = b"".join(bytes(chunk) for chunk in cut.body.chunks)
    assert cut.body.size == len(content)
    assert cut.body.sha256 == hashlib.sha256(content).digest()
    assert cut.body.md5 == hashlib.md5(content, usedforsecurity=False).digest()
    return Part(content, cut.end)


def chunks_of(draw: st.DrawFn, page: bytes) -> list[bytes]:
    edges = sorted(draw(st.lists(st.integers(0, len(page)), max_size=6)))
    bounds = [0, *edges, len(page)]
    return [page[low:high] for low, high in pairwise(bounds)]


def cut_all(chunked_pages: list[list[bytes]], cutter: Cutter, skip: Skip | None = None) -> list[Part]:
    """Feed pages, the first of them through ``skip``; a page has as many rows as bytes."""
    parts = []
    for number, chunks in enumerate(chunked_pages):
        for chunk in chunks:
            rest = skip.rest_of(chunk) if skip is not None and number == 0 else chunk
            parts += [part_of(cut) for cut in cutter.feed(rest)]
        if skip is not None and number == 0:
            skip.end()
        cutter.end_page(sum(map(len, chunks)))
    last = cutter.finish()
    return [*parts, part_of(last)] if last is not None else parts


def whole(pages: list[bytes]) -> list[Part]:
    return cut_all([[page] for page in pages], Cutter(PART))


@given(PAGES)
def test_parts_start_at_multiples_and_the_last_takes_the_rest(pages: list[bytes]) -> None:
    stream, parts = b"".join(pages), [part.content for part in whole(pages)]
    assert b"".join(parts) == stream
    assert all(len(part) == PART for part in parts[:-1])
    if len(stream) >= PART:
        assert PART <= len(parts[-1]) < 2 * PART
    else:
        assert len(parts) == bool(stream)


@given(st.data(), PAGES)
def test_the_same_parts_however_the_bytes_arrive(data: st.DataObject, pages: list[bytes]) -> None:
    chunked = [data.draw(st.composite(chunks_of)(page)) for page in pages]
    assert cut_all(chunked, Cutter(PART)) == whole(pages)


@given(PAGES)
def test_a_mark_is_a_place_in_the_pages(pages: list[bytes]) -> None:
    seen = 0
    for part in whole(pages)[:-1]:
        seen += len(part.content)
        before, here = pages[: part.end.page], pages[part.end.page][: part.end.offset]
        assert len(b"".join(before)) + len(here) == seen
        assert part.end.rows == len(b"".join(before))
        assert part.end.page_sha256 == hashlib.sha256(here).hexdigest()


def checkpoint_at(mark: Mark) -> Checkpoint:
    return Checkpoint(page=mark.page, offset=mark.offset, page_sha256=mark.page_sha256, rows=mark.rows)


def taken_up(start: Checkpoint, chunked_pages: list[list[bytes]]) -> list[Part]:
    """Go on from a checkpoint with the pages from its own on, as another worker does."""
    cutter = Cutter(PART, page=start.page, offset=start.offset, rows=start.rows)
    return cut_all(chunked_pages, cutter, Skip(start, cutter))


@given(st.data(), PAGES)
def test_whoever_goes_on_after_a_part_makes_the_same_others(data: st.DataObject, pages: list[bytes]) -> None:
    parts = whole(pages)
    for index, part in enumerate(parts[:-1]):
        rest = [data.draw(st.composite(chunks_of)(page)) for page in pages[part.end.page :]]
        assert taken_up(checkpoint_at(part.end), rest) == parts[index + 1 :]


def test_a_part_is_given_only_once_it_cannot_be_the_last() -> None:
    cutter = Cutter(PART)
    assert list(cutter.feed(b"x" * (2 * PART - 1))) == []
    assert [part_of(cut).content for cut in cutter.feed(b"y")] == [b"x" * PART]


def test_an_empty_stream_has_no_part() -> None:
    assert whole([b"", b""]) == []


STREAM = [b"0123456789", b"abcdefghijkl", b"XYZ"]
AFTER_FIRST = checkpoint_at(whole(STREAM)[0].end)


def test_a_page_that_has_changed_is_noticed_before_anything_of_it_is_sent() -> None:
    assert (AFTER_FIRST.page, AFTER_FIRST.offset) == (0, PART)
    with pytest.raises(ReplanError, match="not what it was"):
        taken_up(AFTER_FIRST, [[b"0123x56789"], *([page] for page in STREAM[1:])])


def test_a_page_that_has_become_shorter_is_noticed() -> None:
    with pytest.raises(ReplanError, match="shorter"):
        taken_up(AFTER_FIRST, [[b"0123"], *([page] for page in STREAM[1:])])


def test_what_comes_after_the_checkpoint_may_differ() -> None:
    parts = taken_up(AFTER_FIRST, [[b"0123456", b"AB"], [STREAM[1]], [STREAM[2]]])
    assert parts[0].content == b"ABabcde"
