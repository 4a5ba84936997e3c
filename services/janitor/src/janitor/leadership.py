"""One janitor works at a time: the leased row ``janitor``, judged by the database's clock.

Losing it in mid-work is harmless, since every step may be done twice; the loser stops at its next ``keep``.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID, uuid4

from janitor.errors import LeaseHeldError, LeaseLostError
from ticket_export.database.connection import ACQUIRE_TIMEOUT_SECONDS, DATABASE_ERRORS, Pool
from ticket_export.database.queries import RELEASE_LEASE, TAKE_LEASE
from ticket_export.leases import boot_time

LEASE = "janitor"
POLL_SECONDS = 0.25
HAND_BACK_SECONDS = 2.0


class Leadership:
    """The lease as its holder sees it."""

    def __init__(self, pool: Pool, lease_seconds: float, holder: str) -> None:
        self._pool = pool
        self._lease_seconds = lease_seconds
        self._holder = holder
        self._token: UUID = uuid4()
        self._renewed_at = 0.0

    async def take(self) -> bool:
        """Take or renew the lease; tell whether it is ours now."""
        sent_at = boot_time()
        async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
            until = await connection.fetchval(TAKE_LEASE, LEASE, self._token, self._lease_seconds, self._holder)
        self._renewed_at = sent_at
        return until is not None

    async def keep(self) -> None:
        """Renew the lease when a third of it is used up. Raises LeaseLostError when it is somebody else's."""
        if boot_time() - self._renewed_at >= self._lease_seconds / 3 and not await self.take():
            raise LeaseLostError("another janitor has taken over")

    async def hand_back(self) -> None:
        """End the lease now, so that the next janitor need not wait; where that fails it runs out by itself."""
        with suppress(*DATABASE_ERRORS):
            async with asyncio.timeout(HAND_BACK_SECONDS), self._pool.acquire() as connection:
                await connection.execute(RELEASE_LEASE, LEASE, self._token)


@asynccontextmanager
async def leading(
    pool: Pool, *, lease_seconds: float, patience_seconds: float, holder: str
) -> AsyncIterator[Leadership]:
    """Hold the lease while the block runs; one that a dead janitor left behind is waited for.

    Raises LeaseHeldError when another janitor is still at work after ``patience_seconds``.
    """
    leadership = Leadership(pool, lease_seconds, holder)
    give_up_at = boot_time() + patience_seconds
    while not await leadership.take():
        if boot_time() >= give_up_at:
            raise LeaseHeldError("another janitor is at work")
        await asyncio.sleep(POLL_SECONDS)
    try:
        yield leadership
    finally:
        await leadership.hand_back()
