import os
from pathlib import Path

import pytest

from local_stack import accounts
from local_stack.accounts import can_reach, delete_outside, make_outside, outside_directory, server_account


@pytest.fixture(autouse=True)
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(accounts, "OUTSIDE", tmp_path / "outside")
    return tmp_path / "outside"


def made(directory: Path) -> Path:
    directory.mkdir()
    return directory


def test_everyone_may_enter_whatever_the_umask(tmp_path: Path, outside: Path) -> None:
    umask = os.umask(0o077)
    try:
        place = make_outside(made(tmp_path / "stack"))
    finally:
        os.umask(umask)
    assert [path.stat().st_mode & 0o777 for path in (outside, place)] == [0o755, 0o755]


def test_each_directory_has_a_place_of_its_own_always_the_same(tmp_path: Path) -> None:
    one, other = made(tmp_path / "one"), made(tmp_path / "other")
    assert make_outside(one) == make_outside(one) == outside_directory(one) != make_outside(other)


def test_the_place_of_a_deleted_directory_is_swept_and_others_are_not(tmp_path: Path) -> None:
    gone, stays = made(tmp_path / "gone"), made(tmp_path / "stays")
    places = make_outside(gone), make_outside(stays)
    gone.rmdir()
    make_outside(made(tmp_path / "new"))
    assert [place.exists() for place in places] == [False, True]


def test_nothing_is_left_when_the_last_place_is_deleted(tmp_path: Path, outside: Path) -> None:
    stack = made(tmp_path / "stack")
    make_outside(stack)
    delete_outside(stack)
    assert not outside.exists()
    delete_outside(stack)


def test_our_own_account_runs_postgres_unless_we_are_root() -> None:
    account = server_account()
    assert (account is None) == (os.geteuid() != 0)
    assert account is None or account.uid != 0


def test_reach_is_what_the_account_itself_can_reach(tmp_path: Path) -> None:
    account = server_account()
    closed = made(tmp_path / "closed")
    closed.chmod(0o000)
    try:
        assert not can_reach(account, closed)
        assert can_reach(account, Path("/"))
    finally:
        closed.chmod(0o700)
