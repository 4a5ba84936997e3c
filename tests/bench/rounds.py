"""Variants measured in turns, so that whatever else the machine does hits all of them alike."""

import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import psutil

TICK_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Sample:
    """One run: seconds on the clock, seconds of the processor in the server's sessions, and what came out."""

    seconds: float
    server_seconds: float
    result: int


@dataclass(frozen=True, slots=True)
class Variant:
    """Something to measure: ``run`` does it once, in the sessions whose server processes are ``backends``."""

    name: str
    run: Callable[[], Awaitable[int]]
    backends: tuple[int, ...]


Samples = Mapping[str, Sequence[Sample]]


async def measure(variants: Sequence[Variant], rounds: int, tell: Callable[[str], None]) -> Samples:
    """Run each variant once per round, after one round that does not count."""
    samples: dict[str, list[Sample]] = {variant.name: [] for variant in variants}
    for number in range(rounds + 1):
        for variant in variants:
            tell(f"round {number} of {rounds}: {variant.name}" if number else f"warming up: {variant.name}")
            sample = await _once(variant)
            if number:
                samples[variant.name].append(sample)
    return samples


async def _once(variant: Variant) -> Sample:
    used = partial(_processor_seconds, variant.backends)
    used_before, began = used(), time.perf_counter()
    result = await variant.run()
    return Sample(time.perf_counter() - began, used() - used_before, result)


def _processor_seconds(backends: Sequence[int]) -> float:
    times = [psutil.Process(pid).cpu_times() for pid in backends]
    return sum(each.user + each.system for each in times)


def median_seconds(samples: Sequence[Sample]) -> float:
    """Return the median on the clock."""
    return statistics.median(sample.seconds for sample in samples)


def median_server_seconds(samples: Sequence[Sample]) -> float:
    """Return the median of the processor's time; at least one tick of the kernel's clock, so that it can be divided by."""
    return max(TICK_SECONDS, statistics.median(sample.server_seconds for sample in samples))
