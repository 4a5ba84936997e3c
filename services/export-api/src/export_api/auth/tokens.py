"""Bearer tokens: who is asking, by a signature that is checked on every request."""

from dataclasses import dataclass
from typing import Protocol

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from export_api.auth.claims import MOST_BYTES, ClaimRules
from export_api.auth.jwks import JwksKeys
from export_api.errors import NotSignedInError


class TokenVerifier(Protocol):
    """Turns a token into the person that it names."""

    async def subject(self, token: str) -> str:
        """Return the identity claim; raise NotSignedInError for a token that does not count."""


@dataclass(frozen=True, slots=True)
class DemoTokens:
    """AUTH_MODE=demo: tokens signed with the key file that everybody on this machine's demo shares."""

    rules: ClaimRules
    key: OctKey

    async def subject(self, token: str) -> str:
        """Return the identity claim; raise NotSignedInError for a token that does not count."""
        return self.rules.subject(self.rules.verify(_bounded(token), self.key))


@dataclass(frozen=True, slots=True)
class ProviderTokens:
    """AUTH_MODE=jwks: tokens of an identity provider, by the key that their header names."""

    rules: ClaimRules
    keys: JwksKeys

    async def subject(self, token: str) -> str:
        """Return the identity claim; raise NotSignedInError, or IdentityProviderUnavailableError without any key."""
        key = await self.keys.find(_key_id(_bounded(token)))
        return self.rules.subject(self.rules.verify(token, key))


def _bounded(token: str) -> str:
    if len(token) > MOST_BYTES:
        raise NotSignedInError("The bearer token is too long.")
    return token


def _key_id(token: str) -> str:
    try:
        key_id = jws.extract_compact(token.encode()).headers().get("kid")
    except (JoseError, ValueError, TypeError) as error:
        raise NotSignedInError("The bearer token is not a JWT.") from error
    if not isinstance(key_id, str):
        raise NotSignedInError("The bearer token names no key (kid).")
    return key_id
