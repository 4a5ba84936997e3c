"""Runs at once, then again and again: an interval apart from start to start, earlier after a run that failed."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import NoReturn

from ticket_export.backoff import Backoff
from ticket_export.leases import boot_time

FIRST_RETRY_SECONDS = 5.0
# Janitors that were started together drift apart.
JITTER = 0.1


def pause_seconds(interval_seconds: float, run_seconds: float) -> float:
    """What is left of the interval after the run, less up to a tenth of it; never negative."""
    jitter = interval_seconds * JITTER * random.random()  # noqa: S311 - jitter is no secret
    return max(0.0, interval_seconds - jitter - run_seconds)


async def run_for_ever(run: Callable[[], Awaitable[bool]], interval_seconds: float) -> NoReturn:
    """Call ``run``, which tells whether all went well, until cancelled."""
    backoff = Backoff(first_seconds=min(FIRST_RETRY_SECONDS, interval_seconds), longest_seconds=interval_seconds)
    while True:
        began = boot_time()
        if await run():
            backoff.reset()
            pause = pause_seconds(interval_seconds, boot_time() - began)
        else:
            pause = backoff.next_seconds()
        await asyncio.sleep(pause)
