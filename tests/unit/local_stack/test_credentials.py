import dataclasses
import json
from pathlib import Path

from local_stack.credentials import Credentials, load_credentials


def test_they_are_made_once_and_all_different(tmp_path: Path) -> None:
    credentials = load_credentials(tmp_path)
    assert load_credentials(tmp_path) == credentials
    values = dataclasses.astuple(credentials)
    assert len(set(values)) == len(values)
    assert load_credentials(tmp_path) != Credentials()
    assert (tmp_path / "credentials.json").stat().st_mode & 0o777 == 0o600


def test_they_are_not_shown(tmp_path: Path) -> None:
    assert load_credentials(tmp_path).postgres_password not in repr(load_credentials(tmp_path))


def test_those_of_another_version_are_kept_and_completed(tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text(json.dumps({"postgres_password": "kept", "of_old": "x"}))
    credentials = load_credentials(tmp_path)
    assert credentials.postgres_password == "kept"
    assert load_credentials(tmp_path) == credentials
