"""What the documentation points to is there."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from export_ops.main import app as operations
from local_stack.main import app as stack
from support.compose import ROOT

LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def documents() -> list[Path]:
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in tracked.stdout.splitlines() if (ROOT / name).exists()]


def anchors(path: Path) -> set[str]:
    """The anchors that headings get: lower case, blanks to dashes, other punctuation gone."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links() -> Iterator[tuple[Path, str]]:
    for path in documents():
        for found in LINK.finditer(FENCE.sub("", path.read_text(encoding="utf-8"))):
            if not re.match(r"[a-z]+:", found["target"]):
                yield path, found["target"]


def test_every_relative_link_leads_somewhere() -> None:
    broken = []
    for path, target in links():
        file, _, anchor = target.partition("#")
        aim = (path.parent / file).resolve() if file else path
        if not aim.exists() or (anchor and anchor not in anchors(aim)):
            broken.append(f"{path.relative_to(ROOT)}: {target}")
    assert broken == []


def test_there_are_links_to_check() -> None:
    assert {path.name for path, _ in links()} >= {"README.md", "0001-what-differs-from-an-in-app-export.md"}


def named(pattern: str) -> set[tuple[str, str]]:
    """What the documents and the help of the Makefile name, and where."""
    texts = [(path.name, path.read_text(encoding="utf-8")) for path in documents()]
    return {(name, found) for name, text in texts for found in re.findall(pattern, text)}


def commands_of(app: typer.Typer) -> set[str]:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return set(group.commands)


def test_every_make_command_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    used = named(r"(?:`|^    )make ([a-z-]+)")
    assert ("README.md", "demo") in used
    assert {use for use in used if use[1] not in targets} == set()


@pytest.mark.parametrize(
    ("program", "app"), [("stack", stack), ("ticket-export", operations)], ids=["stack", "ticket-export"]
)
def test_every_command_of_ours_exists(program: str, app: typer.Typer) -> None:
    known = commands_of(app)
    used = named(rf"(?:`|^    |bin/|\$\(){program} ([a-z][a-z-]*)")
    assert used
    assert {use for use in used if use[1] not in known} == set()
