"""The parts of the S3 adapter that need no server."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from ticket_export.storage.object_store import SEND_BYTES, Body, StoredPart, multipart_etag


def body_of(chunks: list[bytes]) -> Body:
    body = Body()
    for chunk in chunks:
        body.append(memoryview(chunk))
    return body


@given(st.lists(st.binary(max_size=100), max_size=10))
def test_a_bodys_hashes_are_those_of_its_bytes(chunks: list[bytes]) -> None:
    body, whole = body_of(chunks), b"".join(chunks)
    assert body.size == len(whole)
    assert body.md5 == hashlib.md5(whole, usedforsecurity=False).digest()
    assert body.sha256 == hashlib.sha256(whole).digest()


async def test_a_body_is_streamed_in_pieces_that_add_up() -> None:
    chunks = [b"a" * (2 * SEND_BYTES + 1), b"", b"b", b"c" * SEND_BYTES]
    pieces = [bytes(piece) async for piece in body_of(chunks).stream()]
    assert b"".join(pieces) == b"".join(chunks)
    assert max(map(len, pieces)) == SEND_BYTES
    assert all(pieces)


async def test_a_body_can_be_streamed_again() -> None:
    body = body_of([b"abc", b"def"])
    for _ in range(2):
        assert b"".join([bytes(piece) async for piece in body.stream()]) == b"abcdef"


def test_the_etag_of_a_multipart_object_is_the_one_that_s3_gives() -> None:
    # Known: 5 MiB of NUL twice, as listed by S3 for a two-part object.
    part = hashlib.md5(bytes(5 * 1024 * 1024), usedforsecurity=False).hexdigest()
    assert part == "5f363e0e58a95f06cbe9bbc662c5dfb6"
    parts = [StoredPart(1, part), StoredPart(2, part)]
    expected = hashlib.md5(bytes.fromhex(part) * 2, usedforsecurity=False).hexdigest()
    assert multipart_etag(parts) == f"{expected}-2"
    assert multipart_etag(parts[:1]) != part


def test_the_order_of_parts_counts() -> None:
    first = StoredPart(1, "00" * 16)
    second = StoredPart(2, "ff" * 16)
    assert multipart_etag([first, second]) != multipart_etag([second, first])
