"""A PostgreSQL snapshot as text, and the rule by which a row version is visible in it.

The rule is that of ``pg_visible_in_snapshot()``, written as comparisons: those are estimated well and are
faster than the function (docs/architecture.md). Only digits from the parsed snapshot reach the SQL.
"""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

# valid_to of a live row: the largest xid8, which no transaction reaches.
LIVE = "18446744073709551615"

_FORM = re.compile(r"([0-9]{1,20}):([0-9]{1,20}):((?:[0-9]{1,20}(?:,[0-9]{1,20})*)?)")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What ``pg_current_snapshot()`` returned.

    Every transaction before ``xmin`` is done, none from ``xmax`` on had begun, and those in ``running`` were in progress.
    """

    xmin: int
    xmax: int
    running: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``xmin:xmax:xip,xip``; raise ValueError for what PostgreSQL would not print."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise ValueError(f"not a snapshot: {text!r}")
        xmin, xmax, running = match.groups()
        snapshot = cls(int(xmin), int(xmax), tuple(int(xid) for xid in running.split(",") if xid))
        if not snapshot._in_order():
            raise ValueError(f"not a snapshot: {text!r}")
        return snapshot

    def _in_order(self) -> bool:
        ends = 0 < self.xmin <= self.xmax <= int(LIVE)
        ascending = all(low < high for low, high in pairwise(self.running))
        return ends and ascending and all(self.xmin <= xid < self.xmax for xid in self.running)

    def __str__(self) -> str:
        return f"{self.xmin}:{self.xmax}:{','.join(map(str, self.running))}"

    def visible(self, alias: str, *, live: bool = False) -> str:
        """Return the SQL condition under which the row version called ``alias`` is in this snapshot.

        ``live`` omits the test of ``valid_to``, for a table whose rows are all current.
        """
        running = f"'{{{','.join(map(str, self.running))}}}'::xid8[]"
        born = f"{alias}.valid_from < '{self.xmax}'::xid8"
        if self.running:
            born += f" AND {alias}.valid_from <> ALL ({running})"
        if live:
            return born
        ended_later = f"{alias}.valid_to >= '{self.xmax}'::xid8"
        if self.running:
            ended_later = f"({ended_later} OR {alias}.valid_to = ANY ({running}))"
        return f"{born} AND {alias}.valid_to >= '{self.xmin}'::xid8 AND {ended_later}"
