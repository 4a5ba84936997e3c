"""Jars from Maven Central by the package jgo: those of a lock file, each checked against its SHA-256; no Maven needed.

jgo itself only warns when a checksum is wrong, and resolving dependencies is most of its time; hence the lock files.
`python -m local_stack.downloads.maven kafka org.apache.kafka:kafka_2.13:4.4.0 …` renews one.
"""

import hashlib
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from jgo.config import GlobalSettings
from jgo.maven import Artifact, MavenContext, PythonResolver
from jgo.parse import Coordinate

from local_stack.errors import StackError
from local_stack.steps import Step

LOCK_FILES = Path(__file__).parent / "jars"
BRINGS_ALL = "jar-with-dependencies"
PARALLEL_DOWNLOADS = 8
TRIES = 3
REQUEST_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class LockedJar:
    """One jar of a lock file."""

    group: str
    artifact: str
    version: str
    classifier: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}:{self.classifier} {self.sha256}"

    @classmethod
    def parse(cls, line: str) -> "LockedJar":
        """Read a line that `str` wrote."""
        coordinate, sha256 = line.split()
        group, artifact, version, classifier = coordinate.split(":")
        return cls(group, artifact, version, classifier, sha256)


def locked_jars(lock: str) -> list[LockedJar]:
    """The jars of the lock file named `lock`."""
    return [LockedJar.parse(line) for line in (LOCK_FILES / f"{lock}.lock").read_text().splitlines()]


def download_jars(lock: str, directory: Path, step: Step, *, only: str | None = None) -> None:
    """Put the jars of a lock file, or the one of the artifact `only`, into `directory`.

    Raises:
        StackError: one could not be had, or is not the one that was locked.
    """
    repository = directory / ".repository"
    context = _context(repository, _Bytes(step).of_file)

    def download(jar: LockedJar) -> None:
        coordinate = Coordinate(jar.group, jar.artifact, jar.version, jar.classifier or None)
        file = fetched(context.create_dependency(coordinate).artifact)
        if _sha256(file) != jar.sha256:
            raise StackError(f"{file.name} is not the file that {lock}.lock names")
        file.rename(directory / file.name)

    with ThreadPoolExecutor(PARALLEL_DOWNLOADS) as threads:
        list(threads.map(download, (jar for jar in locked_jars(lock) if only in {None, jar.artifact})))
    shutil.rmtree(repository)


def resolve_jars(coordinates: list[Coordinate], repository: Path) -> list[LockedJar]:
    """The jars of the coordinates and of all that they need at run time and do not bring with them."""
    context = _context(repository)
    wanted = [context.create_dependency(each) for each in coordinates]
    if all(each.classifier == BRINGS_ALL for each in coordinates):
        needed = wanted
    else:
        inputs, transitive = context.resolver.resolve(wanted)
        needed = [*inputs, *(each for each in transitive if each.scope in {"compile", "runtime"})]
    artifacts: dict[object, Artifact] = {each.artifact.key: each.artifact for each in needed}
    return [
        LockedJar(each.groupId, each.artifactId, each.version, each.classifier, _sha256(each.resolve()))
        for each in artifacts.values()
    ]


def fetched(artifact: Artifact, tries: int = TRIES) -> Path:
    """The artifact's file, downloaded if need be.

    Raises:
        StackError: it could not be had in so many tries.
    """
    try:
        return artifact.resolve()
    except (OSError, RuntimeError) as exc:  # what requests and jgo raise
        if artifact.cached_path:
            artifact.cached_path.unlink(missing_ok=True)  # jgo would take half a file for the whole
        if tries == 1:
            raise StackError(f"{artifact.filename} could not be downloaded: {exc}") from exc
    return fetched(artifact, tries - 1)


class _Bytes:
    """Adds up what several downloads have fetched."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self._bytes = 0
        self._lock = threading.Lock()

    @contextmanager
    def of_file(self, name: str, size: int) -> Iterator[Callable[[int], None]]:  # noqa: ARG002 -- jgo's signature
        yield self._add

    def _add(self, count: int) -> None:
        with self._lock:
            self._bytes += count
            self._step.tell(f"{self._bytes / 1_000_000:.0f} MB")


def _context(
    repository: Path, progress: Callable[[str, int], AbstractContextManager[Callable[[int], None]]] | None = None
) -> MavenContext:
    return MavenContext(
        resolver=PythonResolver(progress_callback=progress),
        repo_cache=repository,
        remote_repos=GlobalSettings.load().repositories or None,
        timeout=REQUEST_TIMEOUT_SECONDS,
    )


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def main(lock: str, *coordinates: str) -> None:
    """Write the lock file `lock` for the coordinates."""
    with tempfile.TemporaryDirectory() as repository:
        jars = resolve_jars([Coordinate.parse(each) for each in coordinates], Path(repository))
    (LOCK_FILES / f"{lock}.lock").write_text("".join(f"{jar}\n" for jar in sorted(jars, key=str)))


if __name__ == "__main__":
    main(*sys.argv[1:])
