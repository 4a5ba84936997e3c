import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from local_stack.reports import Replay, Reporter
from local_stack.steps import Step


class Heard:
    def __init__(self) -> None:
        self.events: list[str] = []

    @contextmanager
    def _step(self, title: str) -> Iterator[Step]:
        self.events.append(f"{title} begins")
        try:
            yield self
        except Exception:
            self.events.append(f"{title} fails")
            raise
        self.events.append(f"{title} ends")

    def step(self, title: str) -> AbstractContextManager[Step]:
        return self._step(title)

    def tell(self, detail: str) -> None:
        self.events.append(detail)


def test_steps_are_told_at_the_other_end_as_they_were() -> None:
    reading, writing = os.pipe()
    reporter = Reporter(writing)
    with reporter.step("one") as one, reporter.step("two"):
        one.tell("half")
    with pytest.raises(ValueError, match="no"), reporter.step("three"):
        raise ValueError("no")
    reporter.tell("three did not work")
    reporter.ready()
    heard = Heard()
    replay = Replay(heard)
    with os.fdopen(reading) as pipe:
        assert replay.follow(pipe)
    assert heard.events == ["one begins", "two begins", "half", "two ends", "one ends", "three begins", "three fails"]
    assert replay.messages == ["three did not work"]


def test_an_end_without_ready_is_a_failure() -> None:
    reading, writing = os.pipe()
    reporter = Reporter(writing)
    reporter.tell("last words")
    reporter.close()
    replay = Replay(Heard())
    with os.fdopen(reading) as pipe:
        assert not replay.follow(pipe)
    assert replay.messages == ["last words"]


def test_a_reader_that_went_away_stops_nothing() -> None:
    reading, writing = os.pipe()
    reporter = Reporter(writing)
    os.close(reading)
    with reporter.step("alone"):
        pass
    reporter.ready()


def test_nothing_is_reported_after_ready() -> None:
    reading, writing = os.pipe()
    reporter = Reporter(writing)
    reporter.ready()
    reporter.tell("too late")
    with os.fdopen(reading) as pipe:
        assert [json.loads(line) for line in pipe] == [{"ready": True}]
