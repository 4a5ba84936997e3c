"""LibreOffice Calc without a window: converts files with a profile of its own, and always ends."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

HOW_TO_GET_IT = "LibreOffice Calc is missing: apt-get install --no-install-recommends libreoffice-calc-nogui"
# One call takes about two seconds; the first one makes the profile.
LONGEST_CALL_SECONDS = 120
UTF_8, QUOTE = 76, ord('"')
# Separator, text delimiter, character set, first line, columns as they are, language, quote every text cell,
# no number recognition, no "as shown": each cell comes out as the text that it holds.
AS_CSV = f"csv:Text - txt - csv (StarCalc):{ord(',')},{QUOTE},{UTF_8},1,,0,true,false,false"
AS_XML = "fods"


def import_options(separator: str, *, text_columns: int = 0) -> str:
    """Return the filter's options: as the import dialog has them by default, or so many columns taken as text.

    The tokens are described in LibreOffice's help under "CSV filter parameters"; column format 2 is text.
    """
    columns = "/".join(f"{number}/2" for number in range(1, text_columns + 1))
    return f"CSV:{ord(separator)},{QUOTE},{UTF_8},1,{columns}"


@dataclass(frozen=True)
class Calc:
    """An installed LibreOffice; ``home`` holds its profile."""

    program: str
    home: Path

    def convert(self, files: Sequence[Path], into: Path, *, to: str, options: str | None) -> list[Path]:
        """Convert many files in one process; return the results in the files' order."""
        command = [
            self.program,
            f"-env:UserInstallation={(self.home / 'profile').as_uri()}",
            "--headless",
            *([f"--infilter={options}"] if options else []),
            "--convert-to",
            to,
            "--outdir",
            str(into),
            *map(str, files),
        ]
        self._run(command)
        results = [into / f"{file.stem}.{to.partition(':')[0]}" for file in files]
        assert all(result.exists() for result in results), f"LibreOffice has not converted all of {files}"
        return results

    def _run(self, command: Sequence[str]) -> None:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LC_ALL": "C.UTF-8"}
        log = self.home / "log"
        with log.open("ab") as output:
            # A session of its own, since the program is a script that starts the real one.
            process = subprocess.Popen(command, stdout=output, stderr=output, env=environment, start_new_session=True)
        try:
            assert process.wait(LONGEST_CALL_SECONDS) == 0, log.read_text(errors="replace")[-2000:]
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def find_calc(home: Path) -> Calc:
    """Return LibreOffice Calc, or skip the test that asks for it."""
    program = shutil.which("soffice")
    if program is None:
        pytest.skip(HOW_TO_GET_IT)
    return Calc(program, home)
