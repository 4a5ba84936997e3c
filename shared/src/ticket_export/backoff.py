"""Growing pauses with jitter, so that many who failed together do not come back together."""

import random
from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """Doubles from ``first_seconds`` to ``longest_seconds``; each pause is drawn from the upper half of it."""

    first_seconds: float = 1.0
    longest_seconds: float = 60.0
    failures: int = 0

    def next_seconds(self) -> float:
        """Return the next pause."""
        self.failures += 1
        return pause_seconds(self.failures, first_seconds=self.first_seconds, longest_seconds=self.longest_seconds)

    def reset(self) -> None:
        """Begin again after a success."""
        self.failures = 0


def pause_seconds(failures: int, *, first_seconds: float = 1.0, longest_seconds: float = 60.0) -> float:
    """Return the pause after the given number of failures, at least one."""
    doublings = min(failures - 1, 30)
    whole = min(longest_seconds, first_seconds * float(1 << doublings))
    return whole * random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no secret
