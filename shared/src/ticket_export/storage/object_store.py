"""The S3 adapter: presigned URLs carried by aiohttp, bodies streamed from memory, every write bounded by a lease.

Before each write: sign, check the deadline, send. The signature lives no longer than what is left of the lease, so a
process that was stopped after the check meets an expired signature. A body from a generator is never silently sent
again; Content-MD5 makes a server refuse one that was cut.
"""

import asyncio
import base64
import hashlib
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol
from xml.etree.ElementTree import Element  # the type only; defusedxml parses

import aiohttp
from defusedxml import DefusedXmlException, ElementTree
from yarl import URL

from ticket_export.leases import boot_time
from ticket_export.settings import S3Settings
from ticket_export.storage.errors import ClockSkewError, LeaseExpiredError, StorageRefusedError, StorageUnavailableError
from ticket_export.storage.signing import CONNECT_SECONDS, Signer

SEND_BYTES = 256 * 1024
LONGEST_CALL_SECONDS = 300.0
# A full store does not get better by trying at once (RFC 4918); every other 5xx may.
INSUFFICIENT_STORAGE = 507
SERVER_ERROR = 500
FORBIDDEN = 403
# A signature counts from its own date; S3 itself tolerates no more than 15 minutes.
LARGEST_SKEW_SECONDS = 60.0
RETRYABLE_REFUSALS = frozenset({408, 429})
# What S3 says inside a 200, or as a 400 when our bytes came too slowly.
RETRYABLE_CODES = frozenset({"InternalError", "SlowDown", "ServiceUnavailable", "RequestTimeout"})


class TimeLimit(Protocol):
    """Until when the caller may write; it may move while a call is under way."""

    @property
    def remaining_seconds(self) -> float:
        """Seconds left, negative once it has passed."""


@dataclass(slots=True)
class Body:
    """Bytes on their way to S3, hashed as they come, never copied together."""

    chunks: list[memoryview] = field(default_factory=list)
    size: int = 0
    _md5: "hashlib._Hash" = field(default_factory=lambda: hashlib.md5(usedforsecurity=False))
    _sha256: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def append(self, chunk: memoryview) -> None:
        """Add bytes that nobody will change."""
        self.chunks.append(chunk)
        self.size += len(chunk)
        self._md5.update(chunk)
        self._sha256.update(chunk)

    @property
    def md5(self) -> bytes:
        """MD5 of all bytes: S3's ETag of a part."""
        return self._md5.digest()

    @property
    def sha256(self) -> bytes:
        """SHA-256 of all bytes."""
        return self._sha256.digest()

    async def stream(self) -> AsyncIterator[memoryview]:
        """Yield the bytes in pieces that a socket takes well."""
        for chunk in self.chunks:
            for start in range(0, len(chunk), SEND_BYTES):
                yield chunk[start : start + SEND_BYTES]


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part as S3 has it: its number and the MD5 of its bytes as hex."""

    number: int
    md5: str


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What HEAD says: size in bytes and the ETag without quotes."""

    size_bytes: int
    etag: str


def multipart_etag(parts: Sequence[StoredPart]) -> str:
    """Return the ETag that S3 gives the object made of these parts: MD5 of the MD5s, dash, their number."""
    joined = b"".join(bytes.fromhex(part.md5) for part in parts)
    return f"{hashlib.md5(joined, usedforsecurity=False).hexdigest()}-{len(parts)}"


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def element(self, name: str) -> str:
        """Return the text of the first element of that name, whatever its namespace; '' when there is none."""
        return next(iter(self.elements(name)), "")

    def elements(self, name: str) -> list[str]:
        tree = self._tree()
        return [] if tree is None else [item.text or "" for item in tree.iter() if _local(item.tag) == name]

    @property
    def root(self) -> str:
        """Return the document's kind, or '' when it is none."""
        tree = self._tree()
        return "" if tree is None else _local(tree.tag)

    def _tree(self) -> "Element[str] | None":
        try:
            # S3 keeps a long call alive with white space, which XML does not allow before its declaration.
            return ElementTree.fromstring(self.body.strip())
        except (ElementTree.ParseError, DefusedXmlException):
            return None


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


class ObjectStore:
    """Calls on the objects of one bucket. Use as an async context manager."""

    def __init__(self, signer: Signer, session: aiohttp.ClientSession) -> None:
        self._signer = signer
        self._session = session

    async def put(self, key: str, body: Body, content_type: str, deadline: TimeLimit) -> None:
        """Store a whole object in one call."""
        await self._write("PutObject", "PUT", key, {}, deadline, body=body, content_type=content_type)

    async def create_upload(self, key: str, content_type: str, deadline: TimeLimit) -> str:
        """Begin a multipart upload and return its id."""
        answer = await self._write(
            "CreateMultipartUpload", "POST", key, {"uploads": ""}, deadline, content_type=content_type
        )
        upload_id = answer.element("UploadId")
        if not upload_id:
            raise StorageUnavailableError("S3 answered CreateMultipartUpload without an upload id")
        return upload_id

    async def upload_part(self, key: str, upload_id: str, number: int, body: Body, deadline: TimeLimit) -> StoredPart:
        """Store one part; the same number again replaces it."""
        query = {"partNumber": str(number), "uploadId": upload_id}
        await self._write("UploadPart", "PUT", key, query, deadline, body=body)
        return StoredPart(number, body.md5.hex())

    async def complete_upload(self, key: str, upload_id: str, parts: Sequence[StoredPart], deadline: TimeLimit) -> None:
        """Put the parts together; raise as S3 says, also when it says so inside a 200."""
        items = "".join(
            f'<Part><PartNumber>{part.number}</PartNumber><ETag>"{part.md5}"</ETag></Part>' for part in parts
        )
        body = Body()
        document = f"<CompleteMultipartUpload>{items}</CompleteMultipartUpload>"
        body.append(memoryview(document.encode()))
        answer = await self._write("CompleteMultipartUpload", "POST", key, {"uploadId": upload_id}, deadline, body=body)
        if answer.root == "Error":
            raise _failure("CompleteMultipartUpload", answer)
        _expect(answer, "CompleteMultipartUploadResult")

    async def abort_upload(self, key: str, upload_id: str, deadline: TimeLimit) -> None:
        """Drop an upload and its parts; one that is gone is fine."""
        await self._tolerating(
            {"NoSuchUpload"}, "AbortMultipartUpload", "DELETE", key, {"uploadId": upload_id}, deadline
        )

    async def list_uploads(self, key: str, deadline: TimeLimit) -> list[str]:
        """Return the ids of the uploads of exactly this key (MinIO lists by exact key only)."""
        query = {"uploads": "", "prefix": key}
        answer = await self._write("ListMultipartUploads", "GET", "", query, deadline)
        _expect(answer, "ListMultipartUploadsResult")
        keys, ids = answer.elements("Key"), answer.elements("UploadId")
        return [upload_id for found, upload_id in zip(keys, ids, strict=False) if found == key]

    async def head(self, key: str, deadline: TimeLimit) -> StoredObject | None:
        """Return size and ETag, or None when there is no such object."""
        try:
            answer = await self._write("HeadObject", "HEAD", key, {}, deadline)
        except StorageRefusedError as error:
            if error.status == 404:  # noqa: PLR2004 - HEAD has no body to say NoSuchKey in
                return None
            raise
        return StoredObject(int(answer.headers["Content-Length"]), answer.headers["ETag"].strip('"'))

    async def delete(self, key: str, deadline: TimeLimit) -> None:
        """Delete an object; one that is gone is fine."""
        await self._tolerating({"NoSuchKey"}, "DeleteObject", "DELETE", key, {}, deadline)

    async def _tolerating(
        self, codes: set[str], call: str, method: str, key: str, query: dict[str, str], deadline: TimeLimit
    ) -> None:
        try:
            await self._write(call, method, key, query, deadline)
        except StorageRefusedError as error:
            if error.code not in codes:
                raise

    async def _write(
        self,
        call: str,
        method: str,
        key: str,
        query: dict[str, str],
        deadline: TimeLimit,
        *,
        body: Body | None = None,
        content_type: str | None = None,
    ) -> _Answer:
        if deadline.remaining_seconds < 1:
            raise LeaseExpiredError(f"no time left for {call}")
        life_seconds, sent_at = deadline.remaining_seconds, boot_time()
        url = self._signer.sign(method, key, life_seconds, query)
        headers = {"Content-Type": content_type or "application/octet-stream"}
        if body is not None:
            headers["Content-Length"] = str(body.size)
            headers["Content-MD5"] = base64.b64encode(body.md5).decode()
        sending = asyncio.ensure_future(self._send(call, method, url, headers, body))
        try:
            answer = await _until(sending, deadline, call)
        finally:
            sending.cancel()
        if answer.status == FORBIDDEN and abs(skew := _skew_seconds(answer)) > LARGEST_SKEW_SECONDS:
            raise ClockSkewError(f"this machine's clock differs from S3's by {skew:.0f} s: S3 refuses {call}")
        if answer.status == FORBIDDEN and boot_time() - sent_at >= int(life_seconds) - 1:
            # It stood still for so long that the signature had ended when it looked: that is no refusal.
            # The date of a signature is cut to the second, so it may end almost a second early.
            raise StorageUnavailableError(f"S3 answered {call} after its signature had ended")
        return _checked(call, answer)

    async def _send(self, call: str, method: str, url: str, headers: dict[str, str], body: Body | None) -> _Answer:
        data = body.stream() if body is not None and body.size else None
        try:
            # The URL goes out as it was signed. A redirect would take the body and the signature to another host.
            async with self._session.request(
                method, URL(url, encoded=True), headers=headers, data=data, allow_redirects=False
            ) as response:
                return _Answer(response.status, response.headers, await response.read())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise StorageUnavailableError(f"S3 did not answer {call}: {type(error).__name__}") from error


async def _until(sending: "asyncio.Future[_Answer]", deadline: TimeLimit, call: str) -> _Answer:
    """Wait for the answer until the deadline, which a renewal may move meanwhile."""
    while not sending.done():
        remaining = deadline.remaining_seconds
        if remaining <= 0:
            raise LeaseExpiredError(f"the lease ended during {call}")
        await asyncio.wait({sending}, timeout=remaining)
    return sending.result()


def _skew_seconds(answer: _Answer) -> float:
    """Return how far our clock is ahead of the server's; nothing when it does not tell."""
    try:
        return (datetime.now(UTC) - parsedate_to_datetime(answer.headers.get("Date", ""))).total_seconds()
    except (ValueError, TypeError):
        return 0.0


def _checked(call: str, answer: _Answer) -> _Answer:
    if answer.status < 300:  # noqa: PLR2004 - HTTP's own border of success
        return answer
    raise _failure(call, answer)


def _failure(call: str, answer: _Answer) -> StorageUnavailableError | StorageRefusedError:
    """Return what an answer other than success means."""
    code = answer.element("Code") or "no code"
    full = answer.status == INSUFFICIENT_STORAGE or code == "XMinioStorageFull"
    later = answer.status >= SERVER_ERROR or answer.status in RETRYABLE_REFUSALS or code in RETRYABLE_CODES
    if later and not full:
        return StorageUnavailableError(f"S3 failed {call}: {answer.status} {code}")
    return StorageRefusedError(call, answer.status, code)


def _expect(answer: _Answer, document: str) -> None:
    """Raise unless the answer is that document: a 200 that was cut, or is a proxy's page, proves nothing."""
    if answer.root != document:
        raise StorageUnavailableError(f"S3 answered without a {document}")


@asynccontextmanager
async def open_object_store(settings: S3Settings) -> AsyncIterator[ObjectStore]:
    """Open the adapter with a session of its own; connecting is bounded here, whole calls by their deadline."""
    trust: ssl.SSLContext | bool = True
    if settings.s3_ca_file:
        trust = ssl.create_default_context(cafile=str(settings.s3_ca_file))
    connector = aiohttp.TCPConnector(ssl=trust, limit=64)
    timeout = aiohttp.ClientTimeout(total=LONGEST_CALL_SECONDS, sock_connect=CONNECT_SECONDS)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        yield ObjectStore(Signer(settings), session)
