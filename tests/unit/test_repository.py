"""What must never be committed."""

import re
import subprocess

import pytest

from support.compose import ROOT

# Written so that the patterns do not match themselves.
REGISTRY_HOST = re.compile(r"https?://[^ \"]*(pyp[i]|pythonh[o]sted|mav[e]n|np[m]|crate[s]|gola[n]g)[a-z0-9-]*\.")
MACHINE_PATH = re.compile(r"(^|[^A-Za-z0-9_.])/(work|farm|root|tmp/bash[_]jobs)/")


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 128:
        pytest.skip("needs a git clone: git clone the repository instead of unpacking an archive")
    return done.stdout


def tracked_lines() -> list[tuple[str, str]]:
    lines = []
    for name in git("ls-files").splitlines():
        path = ROOT / name
        if not path.is_file():
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        lines += [(name, line) for line in text.splitlines()]
    return lines


@pytest.mark.parametrize("pattern", [REGISTRY_HOST, MACHINE_PATH], ids=["registry host", "machine path"])
def test_no_line_names_a(pattern: re.Pattern[str]) -> None:
    assert [(name, line[:160]) for name, line in tracked_lines() if pattern.search(line)] == []


def test_the_patterns_find_what_they_are_for() -> None:
    assert REGISTRY_HOST.search("index-url = https://pyp" + "i.org/simple")
    assert REGISTRY_HOST.search("https://files.pythonh" + "osted.org/x")
    assert REGISTRY_HOST.search("https://repo.mave" + "n.apache.org/x")
    assert MACHINE_PATH.search("cd /wor" + "k/main")
    assert not MACHINE_PATH.search("a/work/list")


def test_the_lock_that_names_download_hosts_is_not_in_git() -> None:
    assert git("ls-files", "uv.lock") == ""
