import hashlib
import re
from pathlib import Path
from typing import cast

import pytest
from jgo.maven import Artifact

from local_stack.downloads import maven
from local_stack.downloads.maven import LockedJar, download_jars, fetched, locked_jars
from local_stack.downloads.postgres import LOCK as POSTGRES_LOCK
from local_stack.errors import StackError
from local_stack.servers.kafka import LOCK
from local_stack.servers.object_store import S3PROXY_LOCK
from local_stack.steps import Silent


@pytest.mark.parametrize("lock", [LOCK, POSTGRES_LOCK, S3PROXY_LOCK])
def test_each_jar_is_locked_once_with_its_checksum(lock: str) -> None:
    jars = locked_jars(lock)
    assert len({(jar.group, jar.artifact) for jar in jars}) == len(jars) > 0
    assert all(re.fullmatch("[0-9a-f]{64}", jar.sha256) for jar in jars)
    assert [LockedJar.parse(str(jar)) for jar in jars] == jars


class Unsteady:
    """A jar whose download breaks off some times, leaving half of it."""

    def __init__(self, directory: Path, failures: int) -> None:
        self.cached_path = directory / "some.jar"
        self.filename = "some.jar"
        self._failures = failures

    def resolve(self) -> Path:
        if self.cached_path.exists():
            return self.cached_path
        self.cached_path.write_text("half" if self._failures else "whole")
        if self._failures:
            self._failures -= 1
            raise ConnectionError("it broke off")
        return self.cached_path


def test_a_download_that_breaks_off_is_made_again_from_the_start(tmp_path: Path) -> None:
    jar = Unsteady(tmp_path, failures=2)
    assert fetched(cast("Artifact", jar)).read_text() == "whole"


def test_a_download_that_goes_on_breaking_off_is_given_up(tmp_path: Path) -> None:
    jar = Unsteady(tmp_path, failures=3)
    with pytest.raises(StackError, match=r"some\.jar could not be downloaded: it broke off"):
        fetched(cast("Artifact", jar))
    assert not jar.cached_path.exists()


@pytest.fixture
def two_jars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory, and a lock file `two` of which only the jar `whole` is served as it was locked."""

    def served(artifact: Artifact) -> Path:
        path = tmp_path / "jars" / ".repository" / str(artifact.filename)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("whole")
        return path

    sums = {"whole": hashlib.sha256(b"whole").hexdigest(), "changed": "0" * 64}
    lines = [str(LockedJar("org.example", name, "1.0", "", sums[name])) for name in sums]
    (tmp_path / "two.lock").write_text("\n".join(lines))
    monkeypatch.setattr(maven, "LOCK_FILES", tmp_path)
    monkeypatch.setattr(maven, "fetched", served)
    return tmp_path / "jars"


def test_a_jar_that_is_not_the_locked_one_is_refused(two_jars: Path) -> None:
    with pytest.raises(StackError, match=r"changed-1\.0\.jar is not the file that two\.lock names"):
        download_jars("two", two_jars, Silent())


def test_one_artifact_of_a_lock_file_can_be_had_alone(two_jars: Path) -> None:
    download_jars("two", two_jars, Silent(), only="whole")
    assert [path.name for path in two_jars.iterdir()] == ["whole-1.0.jar"]
