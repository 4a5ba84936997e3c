import re

import pytest

from local_stack.downloads.maven import LockedJar, locked_jars
from local_stack.servers.kafka import LOCK
from local_stack.servers.object_store import S3PROXY_LOCK


@pytest.mark.parametrize("lock", [LOCK, S3PROXY_LOCK])
def test_each_jar_is_locked_once_with_its_checksum(lock: str) -> None:
    jars = locked_jars(lock)
    assert len({(jar.group, jar.artifact) for jar in jars}) == len(jars) > 0
    assert all(re.fullmatch("[0-9a-f]{64}", jar.sha256) for jar in jars)
    assert [LockedJar.parse(str(jar)) for jar in jars] == jars
