"""Makes bearer tokens for the demo's people."""

import time
from dataclasses import dataclass

from joserfc import jwt
from joserfc.jwk import OctKey

from export_api.auth.demo_key import ALGORITHM

TOKEN_LIFE_SECONDS = 12 * 3600


@dataclass(frozen=True, slots=True)
class DemoSigner:
    """Signs as the demo's issuer."""

    key: OctKey
    issuer: str
    audience: str

    def token(self, username: str, *, life_seconds: int = TOKEN_LIFE_SECONDS) -> str:
        """Return a bearer token that names this person."""
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": self.audience, "sub": username, "iat": now, "exp": now + life_seconds}
        return jwt.encode({"alg": ALGORITHM}, claims, self.key)
