"""The progress bar of one export, moved by its events on Kafka as any other subscriber gets them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiokafka import AIOKafkaConsumer
from rich.console import Console
from rich.progress import BarColumn, Progress, Task, TaskID, TextColumn, TimeElapsedColumn

from local_stack.proof.client import Job

STAGES = {"counting": "counting", "exporting": "exporting", "uploading": "finishing"}


@asynccontextmanager
async def progress_events(bootstrap: str, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer without a group that sees all that is published from now on."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="latest")
    await consumer.start()
    try:
        for partition in consumer.assignment():
            await consumer.position(partition)  # "latest" is decided now, not at the first message
        yield consumer
    finally:
        await consumer.stop()


class ProgressBar:
    """Rows done of rows to do."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<9}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f} of {task.fields[rows_total]} rows"),
            TextColumn("[dim]{task.fields[bytes_done]:,} bytes · {task.fields[events]} events"),
            TimeElapsedColumn(),
            console=console,
        )
        self._task: TaskID = self._progress.add_task("queued", total=None, rows_total="?", bytes_done=0, events=0)
        self._sequence = 0
        self._events = 0

    @property
    def task(self) -> Task:
        """What the bar shows."""
        return self._progress.tasks[0]

    async def follow(self, consumer: AIOKafkaConsumer, job: Job) -> None:
        """Show the job's events as they come, until cancelled."""
        with self._progress:
            async for message in consumer:
                if message.key == job.id.encode():
                    self.take(json.loads(message.value))

    def take(self, event: dict[str, object]) -> None:
        """Show one event, unless a later one was seen before."""
        sequence = int(str(event["sequence"]))
        if sequence <= self._sequence:
            return
        self._sequence = sequence
        self._events += 1
        self._show(STAGES.get(str(event["stage"]), "running"), event)

    def end(self, job: Job) -> None:
        """Show the final state, which comes from the API only."""
        self._show(str(job.answer["status"]), job.answer["progress"])

    def _show(self, description: str, figures: dict[str, object]) -> None:
        total = figures["rows_total"]
        self._progress.update(
            self._task,
            description=description,
            total=None if total is None else int(str(total)),
            completed=int(str(figures["rows_done"])),
            rows_total="?" if total is None else f"{total:,}",
            bytes_done=figures["bytes_done"],
            events=self._events,
            refresh=True,
        )


@asynccontextmanager
async def shown(bar: ProgressBar, consumer: AIOKafkaConsumer, job: Job) -> AsyncIterator[None]:
    """Show the job's progress for as long as the block runs."""
    following = asyncio.create_task(bar.follow(consumer, job))
    try:
        yield
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
