import io
import os
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from local_stack.downloads.maven import locked_jars
from local_stack.downloads.postgres import LOCK, PLATFORMS, postgres_artifact, unpack
from local_stack.errors import StackError
from local_stack.servers.postgres import reachable_files


def packed(path: Path) -> Path:
    """A jar like Zonky's: one .txz, whose files belong to somebody else."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:xz") as tar:
        for name, mode, content in (("bin/postgres", 0o755, b"program"), ("lib/libicu.so.60", 0o644, b"library")):
            member = tarfile.TarInfo(name)
            member.mode, member.uid, member.gid, member.size = mode, 4321, 4321, len(content)
            tar.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("lib/libicu.so")
        link.type, link.linkname = tarfile.SYMTYPE, "libicu.so.60"
        tar.addfile(link)
    with zipfile.ZipFile(path, "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0")
        jar.writestr("postgres-linux-x86_64.txz", archive.getvalue())
    return path


def test_every_platform_is_locked_and_nothing_else() -> None:
    assert {postgres_artifact(*platform) for platform in PLATFORMS} == {jar.artifact for jar in locked_jars(LOCK)}
    assert {f"postgres-{jar.version}" for jar in locked_jars(LOCK)} == {LOCK}


def test_a_platform_without_binaries_is_named() -> None:
    with pytest.raises(StackError, match="no PostgreSQL binaries for Linux on riscv64"):
        postgres_artifact("Linux", "riscv64")


def test_unpacked_files_are_ours_and_as_they_were_packed(tmp_path: Path) -> None:
    unpack(packed(tmp_path / "some.jar"), tmp_path / "files")
    program, library = tmp_path / "files/bin/postgres", tmp_path / "files/lib/libicu.so.60"
    assert (program.stat().st_uid, program.stat().st_gid) == (os.geteuid(), os.getegid())
    assert (program.read_bytes(), program.stat().st_mode & 0o777) == (b"program", 0o755)
    assert (library.read_bytes(), library.stat().st_mode & 0o777) == (b"library", 0o644)
    assert (tmp_path / "files/lib/libicu.so").readlink() == Path("libicu.so.60")


def test_a_python_without_xz_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jar = packed(tmp_path / "some.jar")
    monkeypatch.setitem(sys.modules, "lzma", None)
    with pytest.raises(StackError, match="a Python built with xz is needed"):
        unpack(jar, tmp_path / "files")


def test_files_stay_where_they_are_if_the_server_reaches_them(tmp_path: Path) -> None:
    unpack(packed(tmp_path / "some.jar"), tmp_path / "files")
    assert reachable_files(tmp_path / "files", None) == tmp_path / "files"
