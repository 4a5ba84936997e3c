import pytest

from local_stack.downloads.java import major_version
from local_stack.downloads.minio import go_version


@pytest.mark.parametrize(
    ("text", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment', 17),
        ('java version "1.8.0_401"', 1),
        ('openjdk version "25" 2025-09-16', 25),
        ("The operation couldn't be completed. Unable to locate a Java Runtime.", None),
    ],
)
def test_java(text: str, major: int | None) -> None:
    assert major_version(text) == major


@pytest.mark.parametrize(
    ("text", "version"),
    [("go version go1.26.8 linux/amd64", (1, 26)), ("go version go1.9 linux/amd64", (1, 9)), ("", (0, 0))],
)
def test_go(text: str, version: tuple[int, int]) -> None:
    assert go_version(text) == version
