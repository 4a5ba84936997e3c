"""One run: expire → uploads → jobs → history, under the janitor's lease."""

import os
import socket
from dataclasses import dataclass

from janitor.buckets import Buckets
from janitor.expire import delete_files, expire_jobs
from janitor.history import prune_history
from janitor.jobs import delete_old_jobs
from janitor.leadership import leading
from janitor.overdue import fail_overdue_jobs
from janitor.resources import Resources
from janitor.settings import JanitorSettings
from janitor.source import Source
from janitor.tally import Tally
from janitor.uploads import clear_uploads
from ticket_export.database.connection import Pool
from ticket_export.telemetry import get_logger
from ticket_export.topics import Topics

STEPS = (expire_jobs, delete_files, clear_uploads, fail_overdue_jobs, delete_old_jobs, prune_history)
# A dead janitor's lease runs out within one length of it.
PATIENCE_LEASES = 2

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Report:
    """What a run has done, step by step."""

    steps: tuple[Tally, ...]

    @property
    def complete(self) -> bool:
        """Whether nothing that was due is left."""
        return not any(tally.failed for tally in self.steps)

    def summary(self) -> dict[str, int]:
        """Items done by step, and how many are left in all."""
        return {tally.step: tally.done for tally in self.steps} | {"left": sum(t.failed for t in self.steps)}


async def run_once(pool: Pool, source: Source, buckets: Buckets, settings: JanitorSettings) -> Report:
    """Do all that is due and say so in one log line.

    Raises JanitorError when another janitor is at work or has taken over, and asyncpg's and OSError's errors when the
    database does not do its part.
    """
    async with leading(
        pool,
        lease_seconds=settings.lease_seconds,
        patience_seconds=PATIENCE_LEASES * settings.lease_seconds,
        holder=f"{socket.gethostname()}:{os.getpid()}",
    ) as leadership:
        resources = Resources(
            pool=pool,
            buckets=buckets,
            source=source,
            leadership=leadership,
            topics=Topics(settings.topic_prefix),
            batch_rows=settings.batch_rows,
            orphan_grace_seconds=settings.orphan_grace_seconds,
            job_retention_days=settings.job_retention_days,
            max_job_age_seconds=settings.max_job_age_seconds,
            marker_age_seconds=settings.marker_age_seconds,
            history_batch_rows=settings.history_batch_rows,
        )
        report = Report(tuple([await step(resources) for step in STEPS]))
    log.info("Janitor has run", action="janitor_run", **report.summary())
    return report
