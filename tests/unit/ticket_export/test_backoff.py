"""Growing pauses."""

from hypothesis import given
from hypothesis import strategies as st

from ticket_export.backoff import Backoff, pause_seconds

SECONDS = st.floats(min_value=0.001, max_value=1_000)


@given(st.integers(min_value=1, max_value=10_000), SECONDS, SECONDS)
def test_a_pause_is_in_the_upper_half_of_its_doubling(failures: int, first: float, longest: float) -> None:
    whole = min(longest, first * 2 ** min(failures - 1, 30))
    pause = pause_seconds(failures, first_seconds=first, longest_seconds=longest)
    assert whole / 2 <= pause <= whole


def test_pauses_grow_to_the_longest_and_begin_again_after_a_success() -> None:
    backoff = Backoff(first_seconds=1.0, longest_seconds=60.0)
    pauses = [backoff.next_seconds() for _ in range(10)]
    for pause, whole in zip(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60], strict=True):
        assert whole / 2 <= pause <= whole
    backoff.reset()
    assert backoff.next_seconds() <= 1.0


def test_those_who_failed_together_come_back_apart() -> None:
    assert len({pause_seconds(6) for _ in range(20)}) > 15
