"""The demo's signing key: a JWK file that whoever starts first makes, whole or not at all, for its owner only."""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal
from uuid import uuid4

from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from pydantic import BaseModel, Field

ALGORITHM = "HS256"
_BITS = 256
_BASE64_CHARACTERS = 43  # as many as 256 bits have


class _Jwk(BaseModel):
    kty: Literal["oct"]
    k: Annotated[str, Field(min_length=_BASE64_CHARACTERS)]


class DemoKeyError(Exception):
    """The file is there, but holds no key that can sign."""


def load_or_create(path: Path) -> OctKey:
    """Return the key in the file, making it when it is missing; raise DemoKeyError for any other content."""
    try:
        if not path.exists():
            _create(path)
        jwk = _Jwk.model_validate_json(path.read_bytes())
        return OctKey.import_key(jwk.model_dump())
    except OSError as error:
        raise DemoKeyError(f"DEMO_SIGNING_KEY_FILE: {path} can be neither read nor made: {error.strerror}") from error
    except (JoseError, ValueError) as error:
        raise DemoKeyError(f"DEMO_SIGNING_KEY_FILE: {path} holds no key of {_BITS} bits as a JWK") from error


def _create(path: Path) -> None:
    # Written beside and linked into place: a second process never reads half a key, and never replaces one.
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid4().hex}")
    jwk = OctKey.generate_key(_BITS, {"use": "sig", "alg": ALGORITHM}).as_dict(private=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(jwk, file)
        with suppress(FileExistsError):
            os.link(part, path)
    finally:
        part.unlink()
