"""Bearer tokens of demo people, signed with a key that is made anew at each start and never leaves the machine."""

import json
import os
import time
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import OctKey

from local_stack.errors import StackError

ALGORITHM = "HS256"
KEY_BITS = 256
ISSUER = "ticket-export-demo"
AUDIENCE = "ticket-export"
LIFE_SECONDS = 3_600


def write_signing_key(path: Path) -> None:
    """Make a new key in place of the old one."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(OctKey.generate_key(KEY_BITS).as_dict(private=True), file)


def token(user: str, key_file: Path) -> str:
    """A bearer token for the demo user, good for an hour.

    Raises:
        StackError: there is no key to sign it with.
    """
    if not key_file.exists():
        raise StackError(f"no signing key at {key_file}: `make up` makes one")
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": user, "iat": now, "exp": now + LIFE_SECONDS}
    return jwt.encode({"alg": ALGORITHM}, claims, OctKey.import_key(json.loads(key_file.read_text())))
