import io
from pathlib import Path

import pytest

from local_stack.errors import StackError
from local_stack.logs import show_logs


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "kafka.log").write_text("".join(f"line {n}\n" for n in range(30)))
    (tmp_path / "logs" / "api.log").write_text("name \x1b[2J\x9b31m\ttab ünïcode\n")
    return tmp_path


def shown(directory: Path, name: str | None) -> list[str]:
    output = io.StringIO()
    show_logs(directory, name, follow=False, output=output)
    return output.getvalue().splitlines()


def test_the_last_lines_of_one(directory: Path) -> None:
    assert shown(directory, "kafka") == [f"line {n}" for n in range(10, 30)]


def test_of_all_with_their_names(directory: Path) -> None:
    lines = shown(directory, None)
    assert len(lines) == 21
    assert lines[0].startswith("api | ")
    assert lines[-1] == "kafka | line 29"


def test_what_would_steer_the_terminal_does_not(directory: Path) -> None:
    assert shown(directory, "api") == ["name �[2J�31m\ttab ünïcode"]


def test_an_unknown_name_is_answered_with_the_known_ones(directory: Path) -> None:
    with pytest.raises(StackError, match="api, kafka"):
        show_logs(directory, "postgres", follow=False, output=io.StringIO())
