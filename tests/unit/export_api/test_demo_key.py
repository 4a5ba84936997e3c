"""The demo's key file is made once, whole, and for its owner only."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from export_api.auth.demo_key import DemoKeyError, load_or_create


def test_it_is_made_for_its_owner_only_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "demo.json"
    made = load_or_create(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["kty"] == "oct"
    assert load_or_create(path).as_dict() == made.as_dict()


def test_many_who_start_at_once_share_one_key(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    with ThreadPoolExecutor(16) as threads:
        keys = list(threads.map(lambda _: load_or_create(path).as_dict()["k"], range(64)))

    assert len(set(keys)) == 1
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", "\xff", '{"kty": "oct", "k": "c2hvcnQ"}', '{"kty": "RSA"}', '{"kty": "oct"}']
)
def test_anything_else_in_the_file_is_refused_and_kept(tmp_path: Path, content: str) -> None:
    path = tmp_path / "demo.json"
    path.write_text(content, encoding="latin-1")

    with pytest.raises(DemoKeyError, match="DEMO_SIGNING_KEY_FILE"):
        load_or_create(path)
    assert path.read_text(encoding="latin-1") == content


def test_a_place_where_nothing_can_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(DemoKeyError, match="neither read nor made"):
        load_or_create(tmp_path / "file" / "demo.json")
