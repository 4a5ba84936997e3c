import re
from pathlib import Path
from typing import cast

import pytest
from jgo.maven import Artifact

from local_stack.downloads.maven import LockedJar, fetched, locked_jars
from local_stack.errors import StackError
from local_stack.servers.kafka import LOCK
from local_stack.servers.object_store import S3PROXY_LOCK


@pytest.mark.parametrize("lock", [LOCK, S3PROXY_LOCK])
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
