import json
import time
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from local_stack.errors import StackError
from local_stack.tokens import token, write_signing_key


def test_a_token_names_its_person_for_an_hour(tmp_path: Path) -> None:
    key_file = tmp_path / "key.json"
    write_signing_key(key_file)
    key = json.loads(key_file.read_text())
    decoded = jwt.decode(token("ada", key_file), OctKey.import_key(key), algorithms=["HS256"])
    claims = decoded.claims
    assert {name: claims[name] for name in ("iss", "aud", "sub")} == {
        "iss": "ticket-export-demo",
        "aud": "ticket-export",
        "sub": "ada",
    }
    assert claims["exp"] - claims["iat"] == 3_600
    assert abs(claims["iat"] - time.time()) < 5


def test_the_key_is_new_each_time_and_its_owners_only(tmp_path: Path) -> None:
    key_file = tmp_path / "key.json"
    write_signing_key(key_file)
    first = key_file.read_text()
    write_signing_key(key_file)
    assert key_file.read_text() != first
    assert key_file.stat().st_mode & 0o777 == 0o600


def test_without_a_key_there_is_no_token(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="make up"):
        token("ada", tmp_path / "none.json")
