"""A message that cannot be understood, kept as it came."""

from aiokafka import ConsumerRecord

from export_worker.wakeups import LONGEST_DEAD_LETTER_BYTES, dead_letter
from ticket_export.topics import Topics

TOPICS = Topics("blue.")


def record(
    value: bytes | None = b"{", key: bytes | None = b"job/1", headers: tuple[tuple[str, bytes | None], ...] = ()
) -> "ConsumerRecord[bytes, bytes]":
    return ConsumerRecord(
        topic=TOPICS.requests,
        partition=3,
        offset=42,
        timestamp=0,
        timestamp_type=0,
        key=key,
        value=value,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        headers=headers,
    )


def test_it_keeps_key_headers_and_bytes() -> None:
    letter = dead_letter(
        record(b"\xff{", headers=(("ce_type", b"x"), ("ce_id", b"1"))), TOPICS, "unknown event type 'x'"
    )
    assert (letter.topic, letter.key, letter.body) == (TOPICS.dead_letters, "job/1", b"\xff{")
    assert letter.headers == {
        "ce_type": "x",
        "ce_id": "1",
        "dlq_reason": "unknown event type 'x'",
        "dlq_topic": TOPICS.requests,
        "dlq_partition": "3",
        "dlq_offset": "42",
        "dlq_truncated": "false",
    }


def test_its_origin_cannot_be_forged() -> None:
    letter = dead_letter(record(headers=(("dlq_offset", b"1"), ("dlq_reason", b"none"))), TOPICS, "why")
    assert (letter.headers["dlq_offset"], letter.headers["dlq_reason"]) == ("42", "why")


def test_one_that_is_too_long_is_cut_and_says_so() -> None:
    letter = dead_letter(record(b"x" * (LONGEST_DEAD_LETTER_BYTES + 1)), TOPICS, "why")
    assert letter.body == b"x" * LONGEST_DEAD_LETTER_BYTES
    assert letter.headers["dlq_truncated"] == "true"
    longest = dead_letter(record(b"x" * LONGEST_DEAD_LETTER_BYTES), TOPICS, "why")
    assert longest.headers["dlq_truncated"] == "false"


def test_one_without_key_or_value_is_kept_too() -> None:
    letter = dead_letter(record(None, None), TOPICS, "why")
    assert (letter.key, letter.body) == ("", b"")


def test_what_is_no_text_in_key_or_headers_does_not_stop_it() -> None:
    letter = dead_letter(record(key=b"\xff", headers=(("ce_type", b"\xff\xfe"),)), TOPICS, "why")
    assert letter.key == "\ufffd"
    assert letter.headers["ce_type"] == "\ufffd\ufffd"


def test_a_header_may_have_no_value() -> None:
    assert "trace" in dead_letter(record(headers=(("trace", None),)), TOPICS, "why").headers
