"""Arms failpoints of the services of one test, and waits until they are reached."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Failpoints:
    """The directory that the services of a test look into."""

    directory: Path

    def arm(self, name: str, action: Literal["kill", "stop", "wait"]) -> None:
        """Let the first process that comes by do this, once."""
        part = self.directory / f".{name}"
        part.write_text(action)
        part.rename(self.directory / name)

    def reached(self, name: str) -> bool:
        return (self.directory / f"{name}.reached").exists()

    async def wait(self, name: str, seconds: float = 60) -> None:
        """Wait until somebody is there."""
        async with asyncio.timeout(seconds):
            while not self.reached(name):
                await asyncio.sleep(0.01)

    def release(self, name: str) -> None:
        """Let whoever waits there go on."""
        (self.directory / f"{name}.reached").unlink()
