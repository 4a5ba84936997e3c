"""The identity provider's public keys: fetched when first needed, kept, and fetched again at a limited rate.

A token with an unknown key id can make us fetch, but not more often than ``RETRY_SECONDS``: key ids are the sender's.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import aiohttp
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey
from pydantic import BaseModel

from export_api.auth.claims import Key
from export_api.errors import IdentityProviderUnavailableError, NotSignedInError
from ticket_export.telemetry import get_logger

KEEP_SECONDS = 600.0
RETRY_SECONDS = 30.0
RETRY_WITHOUT_KEYS_SECONDS = 2.0
FETCH_SECONDS = 5.0
MOST_BYTES = 512 * 1024

_FAILURES = (aiohttp.ClientError, OSError, ValueError, JoseError)

log = get_logger(__name__)


class _KeySet(BaseModel):
    keys: list[dict[str, Any]]


class JwksKeys:
    """Keys by id from one JWKS URL."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session
        self._keys: Mapping[str, Key] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._fetching = asyncio.Lock()

    async def find(self, key_id: str) -> Key:
        """Return the key; raise NotSignedInError for an unknown id, IdentityProviderUnavailableError without keys."""
        if self._wants_fetch(key_id):
            async with self._fetching:
                if self._wants_fetch(key_id):
                    await self._fetch()
        if not self._keys:
            raise IdentityProviderUnavailableError
        key = self._keys.get(key_id)
        if key is None:
            raise NotSignedInError("The bearer token was signed with an unknown key.")
        return key

    def _wants_fetch(self, key_id: str) -> bool:
        now = time.monotonic()
        if key_id in self._keys and now - self._fetched_at < KEEP_SECONDS:
            return False
        return now - self._tried_at >= (RETRY_SECONDS if self._keys else RETRY_WITHOUT_KEYS_SECONDS)

    async def _fetch(self) -> None:
        self._tried_at = time.monotonic()
        try:
            self._keys = _public_keys(await self._download())
        except _FAILURES as error:
            # Known keys stay good: the provider may be down for a while.
            log.warning("JWKS cannot be fetched", action="jwks_fetch", error=type(error).__name__)
            return
        self._fetched_at = self._tried_at
        log.info("JWKS fetched", action="jwks_fetch", keys=len(self._keys))

    async def _download(self) -> bytes:
        limit = aiohttp.ClientTimeout(total=FETCH_SECONDS)
        async with self._session.get(self._url, timeout=limit, allow_redirects=False) as answer:
            if answer.status != 200:  # noqa: PLR2004
                raise ValueError(f"status {answer.status}")
            body = await answer.content.read(MOST_BYTES + 1)
            while len(body) <= MOST_BYTES and (more := await answer.content.read(MOST_BYTES)):
                body += more
        if len(body) > MOST_BYTES:
            raise ValueError("too long")
        return body


def _public_keys(document: bytes) -> dict[str, Key]:
    """Read the keys that can verify a signature; what else is published, and what is broken, is passed over."""
    found = {item.get("kid"): _public_key(item) for item in _KeySet.model_validate_json(document).keys}
    return {key_id: key for key_id, key in found.items() if isinstance(key_id, str) and key is not None}


def _public_key(item: dict[str, Any]) -> Key | None:
    try:
        key = JWKRegistry.import_key(item)
    except (JoseError, ValueError, TypeError, LookupError) as error:
        log.warning("A published key is broken", action="jwks_key", error=type(error).__name__)
        return None
    # A shared secret does not belong into a published set.
    return key if isinstance(key, RSAKey | ECKey | OKPKey) else None
