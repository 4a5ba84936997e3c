"""What the adapter makes of an S3 in trouble, told by a server that answers as scripted."""

import pytest

from contract.s3_double import error, listening, response
from contract.test_object_store import CSV, EVERY_CALL, StandsStill, body_of, do, soon
from ticket_export.storage.errors import StorageRefusedError, StorageUnavailableError
from ticket_export.storage.object_store import StoredPart, open_object_store

PARTS = [StoredPart(1, "00" * 16)]
UNAVAILABLE = [
    (500, "InternalError"),
    (502, ""),
    (503, "SlowDown"),
    (503, "ServiceUnavailable"),
    (504, ""),
    (429, "TooManyRequests"),
    (408, ""),
    (400, "RequestTimeout"),
]
REFUSED = [
    (400, "BadDigest"),
    (400, "EntityTooSmall"),
    (403, "AccessDenied"),
    (404, "NoSuchBucket"),
    (409, "OperationAborted"),
    (412, "PreconditionFailed"),
    (507, "XMinioStorageFull"),
    (507, ""),
    (503, "XMinioStorageFull"),
]


def answer(status: int, code: str) -> bytes:
    return response(status, error(code) if code else "<html>a proxy's page")


@pytest.mark.parametrize(("status", "code"), UNAVAILABLE)
async def test_try_again_later(status: int, code: str) -> None:
    async with listening(answer(status, code)) as server:
        with pytest.raises(StorageUnavailableError, match=f"S3 failed PutObject: {status}"):
            await do(server.settings, "put", soon())
        assert len(server.requests) == 1


@pytest.mark.parametrize(("status", "code"), REFUSED)
async def test_no(status: int, code: str) -> None:
    async with listening(answer(status, code)) as server:
        with pytest.raises(StorageRefusedError) as caught:
            await do(server.settings, "put", soon())
    assert (caught.value.status, caught.value.code) == (status, code or "no code")


@EVERY_CALL
async def test_every_call_tells_the_two_apart(call: str) -> None:
    async with listening(response(503)) as server:
        with pytest.raises(StorageUnavailableError):
            await do(server.settings, call, soon())
    async with listening(response(403)) as server:
        with pytest.raises(StorageRefusedError):
            await do(server.settings, call, soon())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@EVERY_CALL
async def test_a_redirect_is_not_followed(call: str, status: int) -> None:
    async with (
        listening(response(200)) as elsewhere,
        listening(response(status, Location=f"http://127.0.0.1:{elsewhere.port}/")) as server,
    ):
        with pytest.raises(StorageRefusedError) as caught:
            await do(server.settings, call, soon())
        assert caught.value.status == status
        assert elsewhere.requests == []


COMPLETED = "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"


async def complete(body: str) -> None:
    async with listening(response(200, body)) as server, open_object_store(server.settings) as store:
        await store.complete_upload("k", "u", PARTS, soon())


@pytest.mark.parametrize(
    "body",
    [
        COMPLETED,
        f'<?xml version="1.0"?>\n  {COMPLETED}',
        f'\n  \n<?xml version="1.0"?>{COMPLETED}',
        COMPLETED.replace("<CompleteMultipartUploadResult>", '<CompleteMultipartUploadResult xmlns="http://s3/">'),
    ],
    ids=["plain", "kept alive behind the declaration", "kept alive before it", "in a namespace"],
)
async def test_a_completed_upload(body: str) -> None:
    await complete(body)


@pytest.mark.parametrize("code", ["InternalError", "SlowDown", "ServiceUnavailable"])
async def test_a_failure_inside_a_200_is_tried_again(code: str) -> None:
    with pytest.raises(StorageUnavailableError, match=code):
        await complete(error(code))


@pytest.mark.parametrize("code", ["InvalidPart", "EntityTooSmall", "NoSuchUpload", "XMinioStorageFull"])
async def test_a_refusal_inside_a_200_is_one(code: str) -> None:
    with pytest.raises(StorageRefusedError) as caught:
        await complete("   \n" + error(code))
    assert caught.value.code == code


@pytest.mark.parametrize(
    "body",
    ["", "<html></html>", "not XML", COMPLETED[:-10], '<!DOCTYPE x [<!ENTITY e "e">]><Error><Code>&e;</Code></Error>'],
    ids=["nothing", "a page", "no XML", "cut", "entities"],
)
async def test_a_200_that_does_not_say_completed_is_not_believed(body: str) -> None:
    with pytest.raises(StorageUnavailableError):
        await complete(body)


async def test_an_upload_without_an_id_is_not_believed() -> None:
    async with listening(response(200, "<InitiateMultipartUploadResult/>")) as server:
        with pytest.raises(StorageUnavailableError):
            await do(server.settings, "create", soon())


async def test_a_listing_that_is_none_is_not_taken_for_an_empty_one() -> None:
    async with listening(response(200, "<html></html>")) as server:
        with pytest.raises(StorageUnavailableError):
            await do(server.settings, "list", soon())


async def test_only_the_exact_key_is_taken_from_a_listing() -> None:
    uploads = "".join(
        f"<Upload><Key>{key}</Key><UploadId>{upload_id}</UploadId></Upload>"
        for key, upload_id in [("k", "1"), ("k2", "2"), ("k", "3"), ("K", "4")]
    )
    listing = f"<ListMultipartUploadsResult><KeyMarker>k</KeyMarker>{uploads}</ListMultipartUploadsResult>"
    async with listening(response(200, listing)) as server, open_object_store(server.settings) as store:
        assert await store.list_uploads("k", soon()) == ["1", "3"]


@pytest.mark.parametrize(("call", "code"), [("abort", "NoSuchUpload"), ("delete", "NoSuchKey")])
async def test_what_is_gone_is_fine_to_remove(call: str, code: str) -> None:
    async with listening(response(404, error(code))) as server:
        await do(server.settings, call, soon())
    async with listening(response(404, error("NoSuchBucket"))) as server:
        with pytest.raises(StorageRefusedError):
            await do(server.settings, call, soon())


async def test_what_is_sent() -> None:
    async with listening(response(200)) as server, open_object_store(server.settings) as store:
        await store.put("exports/a.csv", body_of(b"abc"), CSV, StandsStill(30))
    (head,) = server.requests
    line, *headers = head.decode().strip().split("\r\n")
    assert line.startswith("PUT /contract/exports/a.csv?")
    assert "X-Amz-Expires=30&" in line
    sent = {name.lower(): value for name, _, value in (header.partition(": ") for header in headers)}
    assert sent["content-type"] == CSV
    assert sent["content-length"] == "3"
    assert sent["content-md5"] == "kAFQmDzST7DWlj99KOF/cg=="
    assert "transfer-encoding" not in sent


async def test_a_signature_lives_no_longer_than_the_lease() -> None:
    async with listening(response(200)) as server, open_object_store(server.settings) as store:
        await store.put("k", body_of(b"abc"), CSV, StandsStill(11.9))
    assert b"X-Amz-Expires=11&" in server.requests[0]


async def test_a_refusal_after_the_signature_has_ended_is_no_refusal() -> None:
    """A store that stood still looks at the signature too late; the same answer in time is meant."""
    async with listening(response(403, error("AccessDenied")), after_seconds=1.1) as server:
        with pytest.raises(StorageUnavailableError):
            await do(server.settings, "put", StandsStill(1.0))
    async with listening(response(403, error("AccessDenied"))) as server:
        with pytest.raises(StorageRefusedError):
            await do(server.settings, "put", StandsStill(20.0))
