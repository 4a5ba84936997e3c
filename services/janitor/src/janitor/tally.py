"""What a step has done and what it could not do: reported, and found again by the next run."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ticket_export.storage.errors import StorageError
from ticket_export.telemetry import get_logger

# A store that does not answer costs seconds a call. Past this the rest of the step waits for the next run; quick
# refusals of single objects never add up to it.
PATIENCE_SECONDS = 60.0

log = get_logger(__name__)


@dataclass(slots=True)
class Tally:
    """Counts of one step."""

    step: str
    done: int = 0
    failed: int = 0
    waited_seconds: float = 0.0

    @property
    def impatient(self) -> bool:
        """Whether failures have taken so long that the step had better end."""
        return self.waited_seconds >= PATIENCE_SECONDS

    @contextmanager
    def item(self, **what: object) -> Iterator[None]:
        """Count an item that S3 did not do its part for as failed and go on; ``what`` names it in the log."""
        began = time.monotonic()
        try:
            yield
        except (StorageError, TimeoutError) as error:
            self.waited_seconds += time.monotonic() - began
            self.leave(str(error) or type(error).__name__, **what)

    def leave(self, reason: str, **what: object) -> None:
        """Count an item as left for the next run."""
        self.failed += 1
        log.warning("Left for the next run", action="janitor_left", step=self.step, reason=reason, **what)
