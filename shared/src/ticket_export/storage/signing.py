"""Signs S3 calls as presigned URLs with the minio SDK, so that any HTTP client can carry them.

The SDK's multipart calls are private; a presigned URL is its public way to the same.
"""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import certifi
import urllib3
from minio import Minio
from minio.credentials.credentials import Credentials
from minio.credentials.providers import StaticProvider
from minio.signer import presign_v4
from pydantic import AnyHttpUrl

from ticket_export.settings import S3Settings

CONNECT_SECONDS = 3.0
READ_SECONDS = 30.0


def open_client(settings: S3Settings, endpoint: AnyHttpUrl | None = None) -> Minio:
    """Return an SDK client for the endpoint; it signs without asking the server for the region.

    The SDK's own time-outs (5 minutes × 5 retries) would outlive every lease.
    """
    url = endpoint or settings.s3_endpoint
    pool = urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        retries=urllib3.Retry(total=1, backoff_factor=0.2),
        cert_reqs="CERT_REQUIRED",
        ca_certs=str(settings.s3_ca_file or certifi.where()),
    )
    return Minio(
        f"{url.host}:{url.port}" if url.port else str(url.host),
        secure=url.scheme == "https",
        region=settings.s3_region,
        credentials=StaticProvider(
            settings.s3_access_key.get_secret_value(), settings.s3_secret_key.get_secret_value()
        ),
        http_client=pool,
    )


class Signer:
    """Signs calls on objects of one bucket."""

    def __init__(self, settings: S3Settings) -> None:
        self._client = open_client(settings)
        self._bucket = settings.s3_bucket
        self._endpoint = str(settings.s3_endpoint).rstrip("/")
        self._region = settings.s3_region
        self._credentials = Credentials(
            settings.s3_access_key.get_secret_value(), settings.s3_secret_key.get_secret_value()
        )

    def sign(self, method: str, key: str, life_seconds: float, query: dict[str, str] | None = None) -> str:
        """Return a URL that S3 accepts for ``life_seconds`` (whole seconds, at least one); no key means the bucket."""
        if not key:
            return self._sign_bucket(method, life_seconds, query or {})
        return self._client.get_presigned_url(
            method,
            self._bucket,
            key,
            expires=timedelta(seconds=max(1, int(life_seconds))),
            extra_query_params=dict(query or {}),
        )

    def _sign_bucket(self, method: str, life_seconds: float, query: dict[str, str]) -> str:
        # The client's own method insists on an object.
        bare = urlsplit(f"{self._endpoint}/{self._bucket}?{urlencode(sorted(query.items()), quote_via=quote, safe='')}")
        signed = presign_v4(
            method=method,
            url=bare,
            region=self._region,
            credentials=self._credentials,
            date=datetime.now(UTC),
            expires=max(1, int(life_seconds)),
        )
        return urlunsplit(signed)
