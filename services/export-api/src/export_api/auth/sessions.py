"""Browser sessions of the demo: a signed cookie that no other party accepts as a bearer token, and its CSRF token."""

import hashlib
import hmac
import time
from dataclasses import dataclass
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import OctKey

from export_api.auth.claims import ClaimRules
from export_api.auth.demo_key import ALGORITHM
from export_api.errors import NotSignedInError

SESSION_LIFE_SECONDS = 8 * 3600


@dataclass(frozen=True, slots=True)
class Session:
    """Who has signed in, and the token that their forms must carry."""

    username: str
    csrf_token: str


class Sessions:
    """Issues and reads session cookies; their audience is not the API's, so neither passes for the other."""

    def __init__(self, key: OctKey, *, issuer: str, audience: str) -> None:
        self._key = key
        self._rules = ClaimRules(issuer, f"{audience}/session", (ALGORITHM,))

    def issue(self, username: str) -> str:
        """Return the cookie of a new session."""
        now = int(time.time())
        claims = {
            "iss": self._rules.issuer,
            "aud": self._rules.audience,
            "sub": username,
            "jti": uuid4().hex,
            "iat": now,
            "exp": now + SESSION_LIFE_SECONDS,
        }
        return jwt.encode({"alg": ALGORITHM}, claims, self._key)

    def read(self, cookie: str | None) -> Session | None:
        """Return the session of a cookie; None when there is none, or it is forged or over."""
        if not cookie:
            return None
        try:
            claims = self._rules.verify(cookie, self._key)
            return Session(self._rules.subject(claims), self._csrf_token(str(claims.get("jti"))))
        except NotSignedInError:
            return None

    def _csrf_token(self, session_id: str) -> str:
        return hmac.new(self._key.get_op_key("sign"), f"csrf:{session_id}".encode(), hashlib.sha256).hexdigest()
