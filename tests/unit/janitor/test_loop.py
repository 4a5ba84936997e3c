"""When the next run comes."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from janitor.loop import pause_seconds, run_for_ever

SECONDS = st.floats(min_value=0.001, max_value=1e6)


@given(interval=SECONDS, run=st.floats(min_value=0, max_value=1e6))
def test_the_next_run_begins_an_interval_after_the_last_one_at_the_latest(interval: float, run: float) -> None:
    pause = pause_seconds(interval, run)
    assert 0 <= pause <= interval
    assert run >= interval or run + pause <= interval * 1.000001
    assert pause >= interval * 0.9 - run - 1e-6


async def pauses(monkeypatch: pytest.MonkeyPatch, outcomes: list[bool], interval_seconds: float) -> list[float]:
    slept: list[float] = []
    results = iter(outcomes)

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == len(outcomes):
            raise asyncio.CancelledError

    async def run() -> bool:
        return next(results)

    monkeypatch.setattr("janitor.loop.asyncio.sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await run_for_ever(run, interval_seconds)
    return slept


async def test_the_first_run_comes_at_once_and_a_failed_one_is_tried_again_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept = await pauses(monkeypatch, [False, False, True, False], 3600)

    assert 2.5 <= slept[0] <= 5
    assert 5 <= slept[1] <= 10
    assert 3240 <= slept[2] <= 3600
    assert 2.5 <= slept[3] <= 5, "the back-off begins again after a success"


async def test_failures_never_wait_longer_than_the_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    assert max(await pauses(monkeypatch, [False] * 20, 60)) <= 60
