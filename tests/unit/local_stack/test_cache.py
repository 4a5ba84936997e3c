import threading
from pathlib import Path

import pytest

from local_stack.cache import cache_directory, cached
from local_stack.parallel import all_in_parallel


def test_it_is_filled_once_however_many_ask(tmp_path: Path) -> None:
    begun = threading.Barrier(4)
    fills: list[Path] = []

    def fill(part: Path) -> None:
        fills.append(part)
        (part / "file").write_text("whole")

    def ask() -> None:
        begun.wait()
        assert (cached("entry", fill, root=tmp_path) / "file").read_text() == "whole"

    all_in_parallel(ask, ask, ask, ask)
    assert len(fills) == 1


def test_a_failed_fill_leaves_nothing_and_can_be_tried_again(tmp_path: Path) -> None:
    def fail(part: Path) -> None:
        (part / "half").touch()
        raise OSError("the network went away")

    with pytest.raises(OSError, match="went away"):
        cached("entry", fail, root=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".entry.lock"]
    assert cached("entry", lambda part: (part / "file").touch(), root=tmp_path).is_dir()


def test_what_a_killed_fill_left_is_swept_and_never_used(tmp_path: Path) -> None:
    left = tmp_path / ".entry.part-killed"
    left.mkdir()
    (left / "half").touch()
    entry = cached("entry", lambda part: (part / "file").touch(), root=tmp_path)
    assert [path.name for path in entry.iterdir()] == ["file"]
    assert not left.exists()


def test_an_entry_appears_at_once_and_whole(tmp_path: Path) -> None:
    inodes = []

    def fill(part: Path) -> None:
        assert not (tmp_path / "entry").exists()
        inodes.append(part.stat().st_ino)

    entry = cached("entry", fill, root=tmp_path)
    assert inodes == [entry.stat().st_ino], "it was renamed, not copied"


def test_everyone_may_enter_an_entry(tmp_path: Path) -> None:
    assert cached("entry", lambda _: None, root=tmp_path).stat().st_mode & 0o777 == 0o755


def test_the_cache_is_where_xdg_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_directory() == tmp_path / "ticket-export"
