"""Cuts a copy task's byte stream into parts at fixed offsets. Pure.

Parts start at multiples of P bytes of the stream; the last part takes the rest, so P ≤ size < 2P; a stream shorter
than P is one part. So a part is a pure function of the plan and its number, however the bytes arrive.
"""

import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from ticket_export.storage.object_store import Body


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the stream as the pages see it; what a resume needs to find it again."""

    page: int
    offset: int
    page_sha256: str
    rows: int


@dataclass(frozen=True, slots=True)
class Cut:
    """A whole part, and the place where it ends."""

    body: Body
    end: Mark


@dataclass(slots=True)
class Cutter:
    """Takes chunks and page ends, gives parts. ``page``, ``offset`` and ``rows`` say where the stream begins."""

    part_bytes: int
    page: int = 0
    offset: int = 0
    rows: int = 0
    _page_hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    _whole: "deque[Cut]" = field(default_factory=deque)
    _open: Body = field(default_factory=Body)

    def resume_page(self, skipped: "hashlib._Hash") -> None:
        """Take over the hash of the page's bytes that lie before the stream's beginning."""
        self._page_hash = skipped

    def feed(self, chunk: bytes) -> Iterator[Cut]:
        """Add bytes of the current page; yield parts that are certain not to be the last."""
        rest = memoryview(chunk)
        while rest:
            room = self.part_bytes - self._open.size
            piece, rest = rest[:room], rest[room:]
            self._open.append(piece)
            self._page_hash.update(piece)
            self.offset += len(piece)
            if self._open.size == self.part_bytes:
                yield from self._close()

    def end_page(self, rows: int) -> None:
        """The current page is complete and had this many rows."""
        self.page += 1
        self.offset = 0
        self.rows += rows
        self._page_hash = hashlib.sha256()

    def finish(self) -> Cut | None:
        """Return the last part; None when the stream was empty."""
        if not self._whole and not self._open.size:
            return None
        last = self._whole.popleft().body if self._whole else Body()
        for chunk in self._open.chunks:
            last.append(chunk)
        return Cut(last, self._mark())

    def _close(self) -> Iterator[Cut]:
        # A part may go once the next one is full too: until then it may have to take the rest.
        if self._whole:
            yield self._whole.popleft()
        self._whole.append(Cut(self._open, self._mark()))
        self._open = Body()

    def _mark(self) -> Mark:
        return Mark(self.page, self.offset, self._page_hash.hexdigest(), self.rows)
