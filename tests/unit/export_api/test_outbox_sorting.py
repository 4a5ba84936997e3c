"""What becomes of a batch: nothing of a key passes a row of that key that has failed."""

from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError
from hypothesis import given
from hypothesis import strategies as st

from export_api.queries.outbox import OutboxRow
from export_api.relay.sorting import is_permanent, sort_out

TOO_LARGE, TIMED_OUT, BROKEN = MessageSizeTooLargeError(), KafkaTimeoutError(), TypeError("not bytes")


def row(number: int, key: str = "k") -> OutboxRow:
    return OutboxRow(number, "topic", key, {}, "{}")


def test_confirmed_rows_go_and_failed_ones_hold_their_key_back() -> None:
    rows = [row(1), row(2), row(3, "other"), row(4), row(5, "other")]
    outcome = sort_out(rows, [None, TIMED_OUT, None, None, None])

    assert outcome.confirmed == [1, 3, 5]
    assert outcome.suspects == []


def test_only_a_fault_of_the_row_itself_makes_it_suspect() -> None:
    rows = [row(1, "a"), row(2, "b"), row(3, "c"), row(4, "a")]
    outcome = sort_out(rows, [TOO_LARGE, TIMED_OUT, BROKEN, None])

    assert [suspect.id for suspect in outcome.suspects] == [1, 3]
    assert outcome.confirmed == []


def test_faults_are_told_apart() -> None:
    assert [is_permanent(error) for error in (TOO_LARGE, BROKEN, TIMED_OUT)] == [True, True, False]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([None, TIMED_OUT, TOO_LARGE]))))
def test_of_each_key_exactly_the_rows_before_its_first_failure_are_confirmed(
    batch: list[tuple[str, Exception | None]],
) -> None:
    rows = [row(number, key) for number, (key, _) in enumerate(batch)]
    outcome = sort_out(rows, [error for _, error in batch])

    for key in "abc":
        results = [(number, error) for number, (whose, error) in enumerate(batch) if whose == key]
        first_failure = next((number for number, error in results if error), len(batch))
        assert [n for n in outcome.confirmed if rows[n].key == key] == [n for n, _ in results if n < first_failure]
        assert all(suspect.id == first_failure for suspect in outcome.suspects if suspect.key == key)
