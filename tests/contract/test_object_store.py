"""The S3 adapter against a real server: bytes, multipart uploads, and what a lease does not allow."""

import asyncio
import hashlib
import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from socket import create_server
from time import monotonic, sleep

import aiohttp
import pytest
from minio import Minio

from contract.conftest import S3Server
from contract.s3_double import listening, response, settings_for
from local_stack.servers.object_store import Kind
from ticket_export.leases import Deadline
from ticket_export.settings import S3Settings
from ticket_export.storage.errors import (
    LeaseExpiredError,
    StorageError,
    StorageRefusedError,
    StorageUnavailableError,
)
from ticket_export.storage.object_store import (
    Body,
    ObjectStore,
    StoredPart,
    TimeLimit,
    multipart_etag,
    open_object_store,
)
from ticket_export.storage.signing import Signer, open_client

MIB = 1024 * 1024
LEAST_PART = 5 * MIB
CSV = "text/csv; charset=utf-8"


def soon() -> Deadline:
    return Deadline.within(30)


@dataclass(frozen=True)
class StandsStill:
    """A time limit that does not come nearer: what a process that is stopped takes its time to be."""

    remaining_seconds: float


def body_of(*chunks: bytes) -> Body:
    body = Body()
    for chunk in chunks:
        body.append(memoryview(chunk))
    return body


def client(s3: S3Server) -> Minio:
    return open_client(s3.settings)


def read(s3: S3Server, key: str) -> bytes:
    answer = client(s3).get_object(bucket_name=s3.settings.s3_bucket, object_name=key)
    try:
        return answer.read()
    finally:
        answer.close()
        answer.release_conn()


class Lease:
    """A deadline at a moment of the monotonic clock, which a renewal may move."""

    def __init__(self, seconds: float) -> None:
        self.until = monotonic() + seconds

    @property
    def remaining_seconds(self) -> float:
        return self.until - monotonic()


# Whole objects


@pytest.mark.parametrize(
    "chunks",
    [[b""], [b"x"], [b"", b"a", b"", b"bc"], [os.urandom(300_000), b"\r\n", os.urandom(700_001)]],
    ids=["empty", "one byte", "small chunks", "large chunks"],
)
async def test_what_is_put_is_what_is_read(s3: S3Server, store: ObjectStore, key: str, chunks: list[bytes]) -> None:
    await store.put(key, body_of(*chunks), CSV, soon())
    whole = b"".join(chunks)
    assert read(s3, key) == whole
    found = await store.head(key, soon())
    assert found is not None
    assert found.size_bytes == len(whole)
    assert found.etag == hashlib.md5(whole, usedforsecurity=False).hexdigest()


async def test_an_object_has_the_type_that_it_was_given(s3: S3Server, store: ObjectStore, key: str) -> None:
    await store.put(key, body_of(b"a"), CSV, soon())
    assert client(s3).stat_object(bucket_name=s3.settings.s3_bucket, object_name=key).content_type == CSV


async def test_put_again_replaces(s3: S3Server, store: ObjectStore, key: str) -> None:
    await store.put(key, body_of(b"first"), CSV, soon())
    await store.put(key, body_of(b"second"), CSV, soon())
    assert read(s3, key) == b"second"


async def test_a_missing_object_is_none(store: ObjectStore, key: str) -> None:
    assert await store.head(key, soon()) is None


async def test_deleting_is_fine_twice(store: ObjectStore, key: str) -> None:
    await store.put(key, body_of(b"a"), CSV, soon())
    await store.delete(key, soon())
    assert await store.head(key, soon()) is None
    await store.delete(key, soon())


@pytest.mark.parametrize("name", ["a b+c.csv", "ü-☃.csv", "100%25.csv", "a&b=c;d~e'f(g).csv"])
async def test_any_key_can_be_used(s3: S3Server, store: ObjectStore, key: str, name: str) -> None:
    odd = f"{key}/{name}"
    await store.put(odd, body_of(b"odd"), CSV, soon())
    assert read(s3, odd) == b"odd"
    upload_id = await store.create_upload(odd, CSV, soon())
    assert await store.list_uploads(odd, soon()) == [upload_id]
    await store.abort_upload(odd, upload_id, soon())
    await store.delete(odd, soon())
    assert await store.head(odd, soon()) is None


# Multipart uploads

FIRST, SECOND, OTHER, LAST = os.urandom(LEAST_PART), os.urandom(LEAST_PART), os.urandom(LEAST_PART), os.urandom(100)


async def test_parts_become_one_object(s3: S3Server, store: ObjectStore, key: str) -> None:
    upload_id = await store.create_upload(key, CSV, soon())
    last = await store.upload_part(key, upload_id, 3, body_of(LAST), soon())
    first, second = await asyncio.gather(
        store.upload_part(key, upload_id, 1, body_of(FIRST[:MIB], FIRST[MIB:]), soon()),
        store.upload_part(key, upload_id, 2, body_of(SECOND), soon()),
    )
    assert await store.head(key, soon()) is None
    await store.complete_upload(key, upload_id, [first, second, last], soon())
    assert read(s3, key) == FIRST + SECOND + LAST
    found = await store.head(key, soon())
    assert found is not None
    assert (found.size_bytes, found.etag) == (2 * LEAST_PART + 100, multipart_etag([first, second, last]))
    assert await store.list_uploads(key, soon()) == []


async def test_a_part_uploaded_again_replaces_and_numbers_may_have_gaps(
    s3: S3Server, store: ObjectStore, key: str
) -> None:
    upload_id = await store.create_upload(key, CSV, soon())
    await store.upload_part(key, upload_id, 2, body_of(OTHER), soon())
    first = await store.upload_part(key, upload_id, 2, body_of(FIRST), soon())
    second = await store.upload_part(key, upload_id, 1251, body_of(SECOND), soon())
    last = await store.upload_part(key, upload_id, 10_000, body_of(LAST), soon())
    await store.complete_upload(key, upload_id, [first, second, last], soon())
    assert read(s3, key) == FIRST + SECOND + LAST


async def test_a_single_small_part_is_an_object(s3: S3Server, store: ObjectStore, key: str) -> None:
    upload_id = await store.create_upload(key, CSV, soon())
    part = await store.upload_part(key, upload_id, 1, body_of(b"header\n"), soon())
    assert part == StoredPart(1, hashlib.md5(b"header\n", usedforsecurity=False).hexdigest())
    await store.complete_upload(key, upload_id, [part], soon())
    assert read(s3, key) == b"header\n"
    assert client(s3).stat_object(bucket_name=s3.settings.s3_bucket, object_name=key).content_type == CSV


async def test_a_stale_etag_is_refused_and_nothing_appears(store: ObjectStore, key: str) -> None:
    upload_id = await store.create_upload(key, CSV, soon())
    stale = await store.upload_part(key, upload_id, 1, body_of(b"old"), soon())
    await store.upload_part(key, upload_id, 1, body_of(b"new"), soon())
    with pytest.raises(StorageRefusedError) as caught:
        await store.complete_upload(key, upload_id, [stale], soon())
    assert caught.value.code == "InvalidPart"
    assert await store.head(key, soon()) is None
    assert await store.list_uploads(key, soon()) == [upload_id]
    await store.abort_upload(key, upload_id, soon())


async def test_completing_twice_leaves_the_object(s3: S3Server, store: ObjectStore, key: str) -> None:
    upload_id = await store.create_upload(key, CSV, soon())
    part = await store.upload_part(key, upload_id, 1, body_of(b"once"), soon())
    await store.complete_upload(key, upload_id, [part], soon())
    if s3.kind is Kind.MINIO:
        with pytest.raises(StorageRefusedError) as caught:
            await store.complete_upload(key, upload_id, [part], soon())
        assert (caught.value.status, caught.value.code) == (404, "NoSuchUpload")
    else:
        await store.complete_upload(key, upload_id, [part], soon())
    found = await store.head(key, soon())
    assert found is not None
    assert found.etag == multipart_etag([part])
    assert read(s3, key) == b"once"


async def test_aborting_is_fine_twice_and_ends_the_upload(s3: S3Server, store: ObjectStore, key: str) -> None:
    upload_id = await store.create_upload(key, CSV, soon())
    part = await store.upload_part(key, upload_id, 1, body_of(b"gone"), soon())
    await store.abort_upload(key, upload_id, soon())
    await store.abort_upload(key, upload_id, soon())
    assert await store.list_uploads(key, soon()) == []
    if s3.kind is Kind.S3PROXY:
        # It takes parts of uploads that it has forgotten; they never become an object.
        await store.upload_part(key, upload_id, 2, body_of(b"late"), soon())
    else:
        with pytest.raises(StorageRefusedError) as late_part:
            await store.upload_part(key, upload_id, 2, body_of(b"late"), soon())
        assert late_part.value.code == "NoSuchUpload"
    with pytest.raises(StorageRefusedError) as completed:
        await store.complete_upload(key, upload_id, [part], soon())
    assert completed.value.code == "NoSuchUpload"
    assert await store.head(key, soon()) is None


async def test_uploads_are_listed_by_exact_key(store: ObjectStore, key: str) -> None:
    first = await store.create_upload(key, CSV, soon())
    second = await store.create_upload(key, CSV, soon())
    sibling = await store.create_upload(f"{key}.old", CSV, soon())
    assert sorted(await store.list_uploads(key, soon())) == sorted([first, second])
    assert await store.list_uploads(f"{key}.old", soon()) == [sibling]
    assert await store.list_uploads(key[:-1], soon()) == []
    for name, upload_id in [(key, first), (key, second), (f"{key}.old", sibling)]:
        await store.abort_upload(name, upload_id, soon())
    assert await store.list_uploads(key, soon()) == []


# What a lease does not allow

WRITES: dict[str, Callable[[ObjectStore, TimeLimit], object]] = {
    "put": lambda store, deadline: store.put("k", body_of(b"x" * 300_000), CSV, deadline),
    "create": lambda store, deadline: store.create_upload("k", CSV, deadline),
    "part": lambda store, deadline: store.upload_part("k", "u", 1, body_of(b"x" * 300_000), deadline),
    "complete": lambda store, deadline: store.complete_upload("k", "u", [StoredPart(1, "00")], deadline),
    "abort": lambda store, deadline: store.abort_upload("k", "u", deadline),
    "list": lambda store, deadline: store.list_uploads("k", deadline),
    "head": lambda store, deadline: store.head("k", deadline),
    "delete": lambda store, deadline: store.delete("k", deadline),
}
EVERY_CALL = pytest.mark.parametrize("call", WRITES)


async def do(settings: S3Settings, call: str, deadline: TimeLimit) -> object:
    async with open_object_store(settings) as store:
        return await WRITES[call](store, deadline)  # type: ignore[misc]


@EVERY_CALL
@pytest.mark.parametrize("seconds", [0.9, 0.0, -5.0])
async def test_nothing_is_sent_when_less_than_a_second_is_left(call: str, seconds: float) -> None:
    async with listening(response(200)) as server:
        with pytest.raises(LeaseExpiredError):
            await do(server.settings, call, Deadline.within(seconds))
        assert server.requests == []


async def test_a_call_ends_with_its_lease() -> None:
    async with listening(None) as server, open_object_store(server.settings) as store:
        before = monotonic()
        with pytest.raises(LeaseExpiredError):
            await store.put("k", body_of(b"x" * 300_000), CSV, Lease(1.1))
        assert 1.0 < monotonic() - before < 3.0
        async with asyncio.timeout(5):
            await server.hung_up.wait()
        assert len(server.requests) == 1


async def test_a_renewal_lengthens_a_call_that_is_under_way() -> None:
    etag = "0" * 32
    answer = response(200, ETag=f'"{etag}"')
    async with listening(answer, after_seconds=1.4) as server, open_object_store(server.settings) as store:
        lease = Lease(1.1)
        putting = asyncio.ensure_future(store.put("k", body_of(b"x"), CSV, lease))
        await asyncio.sleep(0.2)
        lease.until += 5
        await putting
        assert len(server.requests) == 1


async def test_a_call_that_is_cancelled_hangs_up() -> None:
    async with listening(None) as server, open_object_store(server.settings) as store:
        putting = asyncio.ensure_future(store.put("k", body_of(b"x"), CSV, soon()))
        async with asyncio.timeout(5):
            while not server.requests:
                await asyncio.sleep(0.01)
            putting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await putting
            await server.hung_up.wait()


class FrozenAfterSigning(Signer):
    """Signs, and stands still until the signature has expired, like a process that is stopped."""

    def sign(self, method: str, key: str, life_seconds: float, query: dict[str, str] | None = None) -> str:
        url = super().sign(method, key, life_seconds, query)
        sleep(2.1)
        return url


async def test_an_expired_signature_is_refused(s3: S3Server, store: ObjectStore, key: str) -> None:
    async with aiohttp.ClientSession() as session:
        frozen = ObjectStore(FrozenAfterSigning(s3.settings), session)
        # The server's 403 is told apart from a lack of rights: trying again under a new signature is right.
        with pytest.raises(StorageUnavailableError, match="signature had ended"):
            await frozen.put(key, body_of(b"too late"), CSV, StandsStill(1.0))
    assert await store.head(key, soon()) is None


async def test_a_wrong_secret_is_refused(s3: S3Server, key: str) -> None:
    wrong = s3.settings.model_copy(update={"s3_secret_key": settings_for(1).s3_secret_key})
    async with open_object_store(wrong) as store:
        with pytest.raises(StorageRefusedError) as caught:
            await store.put(key, body_of(b"x"), CSV, soon())
    assert (caught.value.status, caught.value.code) == (403, "SignatureDoesNotMatch")


async def test_a_missing_bucket_is_refused(s3: S3Server, key: str) -> None:
    async with open_object_store(s3.settings.model_copy(update={"s3_bucket": "not-there"})) as store:
        with pytest.raises(StorageRefusedError) as caught:
            await store.put(key, body_of(b"x"), CSV, soon())
    assert (caught.value.status, caught.value.code) == (404, "NoSuchBucket")


# Damage on the way


def with_md5_of(other: bytes, body: Body) -> Body:
    body._md5 = hashlib.md5(other, usedforsecurity=False)
    return body


async def test_bytes_that_are_not_those_of_the_digest_leave_no_object(store: ObjectStore, key: str) -> None:
    with pytest.raises(StorageRefusedError) as caught:
        await store.put(key, with_md5_of(b"meant", body_of(b"other")), CSV, soon())
    assert (caught.value.status, caught.value.code) == (400, "BadDigest")
    assert await store.head(key, soon()) is None


async def test_a_damaged_part_is_refused(store: ObjectStore, key: str) -> None:
    upload_id = await store.create_upload(key, CSV, soon())
    with pytest.raises(StorageRefusedError) as caught:
        await store.upload_part(key, upload_id, 1, with_md5_of(b"meant", body_of(b"other")), soon())
    assert (caught.value.status, caught.value.code) == (400, "BadDigest")
    await store.abort_upload(key, upload_id, soon())


async def test_a_body_that_is_cut_leaves_no_object(store: ObjectStore, key: str) -> None:
    body = body_of(b"x" * 100_000)
    body.size += 1
    with pytest.raises(StorageError):
        await store.put(key, body, CSV, Lease(1.2))
    assert await store.head(key, soon()) is None


# A server that is not there


@EVERY_CALL
async def test_a_server_that_is_not_there_is_unavailable(call: str) -> None:
    with closing(create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(StorageUnavailableError) as caught:
        await do(settings_for(port), call, soon())
    assert "very-secret" not in str(caught.value)
    assert "X-Amz" not in str(caught.value)


async def test_a_server_that_hangs_up_is_unavailable() -> None:
    async with listening(b"") as server:
        with pytest.raises(StorageUnavailableError):
            await do(server.settings, "put", soon())
        assert len(server.requests) == 1
