"""`make bench` runs to its end and says what it found; what that is is not for a test to say."""

import json
import os
import subprocess
import sys
from pathlib import Path

from defusedxml import ElementTree

TESTS = Path(__file__).parents[2]


def test_a_small_round(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", "--tickets", "1000", "--rounds", "1", "--results", str(tmp_path)]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(TESTS)}, capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "plain statement with to_char" in done.stdout
    results = json.loads((tmp_path / "statements.json").read_text())
    names = [row["name"] for row in results["exports"]]
    assert names[0] == "plain statement with to_char"
    assert len(names) == 6
    by_hand, as_of, _, _, one, two = (row["bytes"] for row in results["exports"])
    assert by_hand == as_of
    assert one == two > by_hand * 0.8
    assert {(row["operation"], row["kind"]) for row in results["writes"]} == {
        (operation, kind)
        for operation in ("INSERT", "UPDATE", "DELETE")
        for kind in ("statement", "transaction", "request")
    }
    assert all(row["plain"] > 0 and row["versioned"] > 0 for row in results["writes"])
    ElementTree.parse(tmp_path / "statements.svg")
