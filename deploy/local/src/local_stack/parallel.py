"""Several things at once, in threads that never keep the process from ending."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, as_completed, wait
from typing import TypeVar

T = TypeVar("T")


def in_parallel(*calls: Callable[[], None]) -> None:
    """Make the calls at the same time; the first failure is raised at once, the other calls are not waited for."""
    for done in as_completed([in_background(call) for call in calls]):
        done.result()


def all_in_parallel(*calls: Callable[[], None]) -> None:
    """Make the calls at the same time and wait for all of them; then a failure is raised, if there was one."""
    for done in wait([in_background(call) for call in calls]).done:
        done.result()


def in_background(call: Callable[[], T]) -> "Future[T]":
    """Make a call in a thread of its own."""
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(call())
        except BaseException as exc:  # noqa: BLE001 -- belongs to whoever asks for the answer
            answer.set_exception(exc)

    threading.Thread(target=run, daemon=True).start()
    return answer
