"""Last step: delete row versions that no export can need any more. The horizon says what is gone; age says nothing.

A row version that ended before H is invisible to every snapshot whose xmin is at least H. So H is the least xmin of

- the snapshot of every unfinished export, and
- a marker, a snapshot that was recorded at least MARKER_AGE_SECONDS ago.

The marker stands for the requests that no job row tells of yet: a request reads its snapshot on the source and commits
its job on the jobs database a moment later. The jobs are read after the marker is chosen. A request that is not among
them took its snapshot after the marker's, and xmin only grows, or it has been on its way for longer than a marker's
age. In the second case ``assert_safe`` refuses its snapshot: the horizon moves in the statement that deletes.
"""

from janitor import queries
from janitor.errors import SourceError
from janitor.resources import Resources
from janitor.tally import Tally
from ticket_export.database.connection import ACQUIRE_TIMEOUT_SECONDS

# Runs that follow one another quickly need no marker each.
MARKERS_APART_SECONDS = 300.0


async def prune_history(resources: Resources) -> Tally:
    """Record a marker, then delete in short batches what has ended before the horizon."""
    tally = Tally("prune_history")
    try:
        if await resources.source.is_versioned():
            await _prune(resources, tally)
    except SourceError as error:
        tally.leave(str(error))
    return tally


async def _prune(resources: Resources, tally: Tally) -> None:
    source = resources.source
    await source.confirm_identity()
    await source.store_marker(MARKERS_APART_SECONDS)
    marker = await source.settled_marker(resources.marker_age_seconds)
    if marker is None:
        return
    horizon = min(marker.xmin, await _least_needed(resources, marker.xmin))
    for history in await source.histories():
        await _prune_table(resources, tally, history, horizon)
    await source.forget_markers(marker)


async def _least_needed(resources: Resources, otherwise: int) -> int:
    async with resources.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
        xmin = await connection.fetchval(queries.LEAST_NEEDED_XMIN)
    return otherwise if xmin is None else int(xmin)


async def _prune_table(resources: Resources, tally: Tally, history: str, horizon: int) -> None:
    while True:
        await resources.leadership.keep()
        deleted = await resources.source.prune(history, horizon, resources.history_batch_rows)
        tally.done += deleted
        if deleted < resources.history_batch_rows:
            return
