import os
import subprocess
from pathlib import Path

import pytest

from local_stack.environment import ENVIRONMENT_FILE, read_environment, write_environment
from local_stack.errors import StackError

AWKWARD = {"PLAIN": "value", "QUOTED": 'it\'s "here"', "SHELL": "$HOME `id` \\ # ;", "EMPTY": "", "LINES": "one\ntwo"}


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    write_environment(tmp_path, AWKWARD)
    assert read_environment(tmp_path) == AWKWARD


def test_a_shell_reads_the_same(tmp_path: Path) -> None:
    path = write_environment(tmp_path, AWKWARD)
    script = 'set -a; . "$1"; for name in PLAIN QUOTED SHELL EMPTY LINES; do printenv -0 $name; done'
    printed = subprocess.run(["sh", "-c", script, "sh", str(path)], capture_output=True, check=True, text=True).stdout
    assert printed.split("\0")[:-1] == list(AWKWARD.values())


def test_only_its_owner_may_read_it_whatever_was_there_before(tmp_path: Path) -> None:
    (tmp_path / ENVIRONMENT_FILE).write_text("old")
    (tmp_path / ENVIRONMENT_FILE).chmod(0o644)
    umask = os.umask(0)
    try:
        write_environment(tmp_path, {"A": "b"})
    finally:
        os.umask(umask)
    assert (tmp_path / ENVIRONMENT_FILE).stat().st_mode & 0o777 == 0o600


def test_no_file_means_no_stack(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="make up"):
        read_environment(tmp_path)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / ENVIRONMENT_FILE).write_text("rm -rf nothing\n")
    with pytest.raises(StackError, match="not an environment file"):
        read_environment(tmp_path)
