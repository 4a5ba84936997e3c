"""What a token must say to count: algorithm, issuer, audience and expiry are pinned, nothing is taken on trust."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, GuestProtocol, KeySet, OctKey, OKPKey, RSAKey

from export_api.errors import NotSignedInError

LEEWAY_SECONDS = 30
MOST_BYTES = 8192

Key: TypeAlias = OctKey | RSAKey | ECKey | OKPKey
KeyFinder: TypeAlias = Key | Callable[[GuestProtocol], Key | KeySet]


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """The only issuer, audience and algorithms that count, and the claim that names the person."""

    issuer: str
    audience: str
    algorithms: Collection[str]
    identity_claim: str = "sub"
    leeway_seconds: int = field(default=LEEWAY_SECONDS)

    def verify(self, token: str, key: Key) -> dict[str, Any]:
        """Return the claims of a token that was signed with ``key``; raise NotSignedInError for any other."""
        registry = jwt.JWTClaimsRegistry(
            leeway=self.leeway_seconds,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self.audience},
            exp={"essential": True},
        )
        try:
            claims = jwt.decode(token, key, algorithms=list(self.algorithms)).claims
            registry.validate(claims)
        except (JoseError, ValueError, TypeError) as error:
            raise NotSignedInError("The bearer token is not valid, or it has expired.") from error
        return claims

    def subject(self, claims: dict[str, Any]) -> str:
        """Return who the claims are about; raise NotSignedInError when they don't say."""
        subject = claims.get(self.identity_claim)
        if not isinstance(subject, str) or not subject or "\x00" in subject:
            raise NotSignedInError(f"The bearer token has no claim “{self.identity_claim}”.")
        return subject
