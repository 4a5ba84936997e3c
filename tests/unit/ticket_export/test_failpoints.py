"""Failpoints do nothing unless a test has asked for them."""

import asyncio
from pathlib import Path

import pytest

from ticket_export import failpoints


async def test_nothing_happens_without_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").write_text("wait")
    assert failpoints._DIRECTORY is None
    await asyncio.wait_for(failpoints.failpoint("here"), 1)
    assert (tmp_path / "here").exists()


async def test_whoever_comes_first_takes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failpoints, "_DIRECTORY", str(tmp_path))
    (tmp_path / "here").write_text("wait")
    first = asyncio.create_task(failpoints.failpoint("here"))
    while not (tmp_path / "here.reached").exists():
        await asyncio.sleep(0)
    await asyncio.wait_for(failpoints.failpoint("here"), 1)
    assert not first.done()
    (tmp_path / "here.reached").unlink()
    await asyncio.wait_for(first, 5)


async def test_an_unknown_action_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failpoints, "_DIRECTORY", str(tmp_path))
    (tmp_path / "here").write_text("explode")
    with pytest.raises(ValueError, match="explode"):
        await failpoints.failpoint("here")
