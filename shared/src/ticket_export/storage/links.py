"""Download links: presigned GETs for the public endpoint, with the file's name in them."""

from datetime import timedelta
from urllib.parse import quote

from pydantic import AnyHttpUrl

from ticket_export.settings import S3Settings
from ticket_export.storage.signing import open_client


def content_disposition(file_name: str) -> str:
    """Return an attachment header (RFC 6266): an ASCII name for old browsers, the whole one as ``filename*``."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in file_name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"


class DownloadLinks:
    """Makes links that work in a browser: the host is part of the signature, so the client is the public one's."""

    def __init__(self, settings: S3Settings, public_url: AnyHttpUrl | None) -> None:
        self._client = open_client(settings, public_url)

    def presign(self, bucket: str, object_key: str, *, file_name: str, expires: timedelta) -> str:
        """Return a bearer link that lives for ``expires``; it is never logged or stored."""
        return self._client.presigned_get_object(
            bucket,
            object_key,
            expires=expires,
            response_headers={
                "response-content-disposition": content_disposition(file_name),
                "response-content-type": "text/csv; charset=utf-8",
                "response-cache-control": "no-store",
            },
        )
