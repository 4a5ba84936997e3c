"""A lease as its holder sees it: a deadline on a clock that neither jumps nor stops in suspend.

The database's clock decides who holds a lease. The holder's own deadline is counted from *before* the renewal
was sent, less a margin, so that it always ends earlier than the database's.
"""

import time
from dataclasses import dataclass
from typing import Self

# CLOCK_BOOTTIME goes on while a machine sleeps; where it is missing (macOS), monotonic does the same.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def boot_time() -> float:
    """Return seconds on the clock of leases."""
    return time.clock_gettime(_CLOCK)


@dataclass(frozen=True, slots=True)
class LeaseTerms:
    """How long a lease lasts, how often it is renewed, and how much earlier the holder stops (seconds)."""

    lease_seconds: float = 15.0
    renewal_seconds: float = 3.0
    margin_seconds: float = 3.0


@dataclass(slots=True)
class Deadline:
    """The moment at which a holder stops writing unless a renewal has moved it."""

    at: float

    @classmethod
    def after(cls, sent_at: float, terms: LeaseTerms) -> Self:
        """Count from ``sent_at``, a ``boot_time()`` taken before the claim or renewal was sent."""
        return cls(sent_at + terms.lease_seconds - terms.margin_seconds)

    @classmethod
    def within(cls, seconds: float) -> Self:
        """The end of something that begins now and may take this long."""
        return cls(boot_time() + seconds)

    def extend(self, sent_at: float, terms: LeaseTerms) -> None:
        """Move the deadline after a renewal that was sent at ``sent_at`` and confirmed."""
        self.at = max(self.at, sent_at + terms.lease_seconds - terms.margin_seconds)

    @property
    def remaining_seconds(self) -> float:
        """What is left; negative once it has passed."""
        return self.at - boot_time()
