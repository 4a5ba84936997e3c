"""What `stack demo` does once everything runs: export while the tickets change, save the file, prove it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from rich.console import Console
from rich.markup import escape

from local_stack.demo import Replay
from local_stack.environment import HOST_SCHEMA
from local_stack.errors import StackError
from local_stack.proof.client import ExportClient, Job
from local_stack.proof.leaks import Verdict, judge
from local_stack.proof.progress import ProgressBar, progress_events, shown
from local_stack.tokens import token

PERSON = "ada"
VIEW = "all"
PROGRESS_TOPIC = "ticket-export.progress.v1"
# The log lasts for seven seconds of it; the export takes a fraction of one.
CHANGES_PER_SECOND = 500.0
POLL_SECONDS = 0.2
TIMEOUT_SECONDS = 120.0


@dataclass(frozen=True)
class Story:
    """One demonstration on a running stack."""

    environment: Mapping[str, str]
    directory: Path
    console: Console

    async def tell(self) -> bool:
        """Tell it; whether the proof holds."""
        console = self.console
        console.print("[bold]Replaying[/] the real incident log, and [bold]exporting[/] every ticket meanwhile:")
        job, path, digest = await self._export_during_changes()
        file = job.file
        if digest != file["digest"]:
            raise StackError(f"the file's digest is {digest}, the job's is {file['digest']}")
        snapshot = str(job.answer["snapshot"])
        verdict = await judge(path, self.environment["ADMIN_DATABASE_URL"], HOST_SCHEMA, snapshot)
        console.print(f"  rows    {verdict.rows:,}")
        console.print(f"  bytes   {path.stat().st_size:,}")
        console.print(f"  digest  {digest} [green](as the job says)[/]")
        console.print(f"  file    {escape(str(path))}")
        console.print(
            proof_line(verdict, str(job.answer["requested_at"])), style="bold green" if verdict.good else "bold red"
        )
        return verdict.good

    async def _export_during_changes(self) -> tuple[Job, Path, str]:
        environment = self.environment
        bearer = token(PERSON, Path(environment["DEMO_SIGNING_KEY_FILE"]))
        async with (
            asyncio.timeout(TIMEOUT_SECONDS),
            progress_events(environment["KAFKA_BOOTSTRAP_SERVERS"], PROGRESS_TOPIC) as events,
            aiohttp.ClientSession() as session,
            Replay(environment["HELPDESK_DATABASE_URL"], HOST_SCHEMA, changes_per_second=CHANGES_PER_SECOND) as replay,
        ):
            client = ExportClient(session, environment["API_URL"], bearer)
            await replay.first_change()
            bar = ProgressBar(self.console)
            job = await client.request(VIEW)
            async with shown(bar, events, job):
                while not job.ended:
                    await asyncio.sleep(POLL_SECONDS)
                    job = await client.look(job)
                bar.end(job)
            if job.answer["status"] != "completed":
                raise StackError(f"the export is {job.answer['status']}: {job.answer['error']}")
            path = self._path(job)
            digest = await client.download(job, path)
            if replay.done:
                self.console.print("[yellow]the incident log ended before the file was there[/]")
            return job, path, digest

    def _path(self, job: Job) -> Path:
        exports = self.directory / "exports"
        exports.mkdir(exist_ok=True)
        return exports / Path(job.file["name"]).name


def proof_line(verdict: Verdict, requested_at: str) -> str:
    """The proof in one line."""
    as_of = datetime.fromisoformat(requested_at).astimezone(UTC)
    return f"as of {as_of:%H:%M:%S}: {verdict.rows:,} rows, {verdict.changes:,} changes since, {verdict.leaked:,} leaked in"
