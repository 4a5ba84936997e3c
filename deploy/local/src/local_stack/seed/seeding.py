"""Adds synthetic tickets to a helpdesk, half of them over each of two connections: PostgreSQL does the work.

A ticket is decided by the run's number and by its ordinal, which it carries in ``custom`` as ``synthetic``. A further
run goes on with the next ordinal. Old versions come from real updates and deletes, through the versioning triggers.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta

import asyncpg

from local_stack.errors import StackError
from local_stack.seed.samples import Samples, read_samples
from local_stack.seed.statements import read_statements
from local_stack.steps import Silent, Step, Steps
from ticket_export.database.connection import CONNECT_TIMEOUT_SECONDS, DATABASE_ERRORS
from ticket_export.views.literals import identifier

CONNECTIONS = 2
BATCH = 20_000
SPAN = timedelta(days=3 * 365)
# One ticket more for every so many is made, and deleted again.
TICKETS_PER_DELETED = 500
TICKETS_PER_CONTACT = 10
TEAMS = 21
TICKETS_PER_STAFF, FEWEST_STAFF, MOST_STAFF = 2_000, 20, 500
# Shares of the tickets that are changed once, twice and three times.
CHANGED = (0.1, 0.02, 0.005)

# Row by row in this order, so that whatever a row refers to is there.
_CHILDREN = ("ticket_tasks", "comments", "attachments", "followers")
_SQL = read_statements()


@dataclass(frozen=True, slots=True)
class Run:
    """What one call adds: how many of what, beginning where, up to which moment. The fields are seed_run's columns."""

    first_ordinal: int
    ordinals: int
    first_ticket: int
    first_contact: int
    contacts: int
    until: datetime
    span: timedelta

    def batches(self) -> Iterator[tuple[int, int]]:
        """Return the first and last ordinal of each batch."""
        end = self.first_ordinal + self.ordinals
        for first in range(self.first_ordinal, end, BATCH):
            yield first, min(first + BATCH, end) - 1


@dataclass(frozen=True, slots=True)
class _Target:
    url: str
    schema: str
    number: int
    samples: Samples


async def seed_tickets(
    url: str,
    *,
    schema: str,
    tickets: int,
    number: int = 1,
    until: datetime | None = None,
    steps: Steps | None = None,
) -> None:
    """Add so many tickets, and contacts, staff, teams, tasks, comments, attachments and followers to go with them.

    ``url`` is a superuser's: foreign keys are checked by a lock instead of row by row. ``until`` is the moment before
    which all happened, the last midnight (UTC) by default; with the same ``number`` and ``until``, the same tickets are
    added to the same helpdesk. Raises StackError when the database refuses, or another run is under way.
    """
    target = _Target(url, schema, number, read_samples())
    try:
        await _seed(target, tickets, until, steps or Silent())
    except* DATABASE_ERRORS as group:
        raise StackError(f"the tickets could not be added: {_first(group)}") from group


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


async def _seed(target: _Target, tickets: int, until: datetime | None, steps: Steps) -> None:
    async with _session(target) as main:
        if not await main.fetchval(_SQL["alone"], target.schema):
            raise StackError("synthetic tickets are being added already")
        with steps.step("Seed: people and settings"):
            run = await _begin(main, target, tickets, until)
        with steps.step(f"Seed: {tickets:,} tickets") as step:
            await _add_tickets(target, run, step)
        with steps.step("Seed: changes of people and teams"):
            for name in ("change_contacts", "change_staff", "change_teams"):
                await main.execute(_SQL[name])
        with steps.step("Seed: analyzing"):
            await main.execute(f"ANALYZE {await main.fetchval(_SQL['tables'])}")


@asynccontextmanager
async def _session(target: _Target) -> AsyncIterator[asyncpg.Connection]:
    """Connect, with everything at hand that the statements stand on."""
    settings = {
        "search_path": identifier(target.schema),
        "TimeZone": "UTC",
        "jit": "off",
        "application_name": "stack seed",
    }
    connection = await asyncpg.connect(target.url, timeout=CONNECT_TIMEOUT_SECONDS, server_settings=settings)
    try:
        await connection.execute(_SQL["prepare"].replace("{number}", str(int(target.number))))
        samples = target.samples
        languages = [(place, *astuple(language)) for place, language in enumerate(samples.languages)]
        await connection.copy_records_to_table("seed_languages", records=languages)
        await connection.copy_records_to_table("seed_samples", records=[astuple(samples)[1:]])
        await connection.execute("ANALYZE seed_languages, seed_samples")
        yield connection
    finally:
        await connection.close()


async def _begin(main: asyncpg.Connection, target: _Target, tickets: int, until: datetime | None) -> Run:
    """Add what tickets refer to, and reserve their ids."""
    languages = target.samples.languages
    staff = max(FEWEST_STAFF, min(MOST_STAFF, tickets // TICKETS_PER_STAFF))
    async with main.transaction():
        await main.execute(_SQL["languages"], [found.name for found in languages], [found.label for found in languages])
        await main.execute(_SQL["custom_fields"])
        await main.execute(_SQL["teams"], TEAMS)
        await main.execute(_SQL["staff"], staff)
        await main.execute(_SQL["team_members"])
        run = await _reserve(main, tickets, until)
        await _tell(main, run)
        await main.execute(_SQL["contacts"])
    return run


async def _reserve(main: asyncpg.Connection, tickets: int, until: datetime | None) -> Run:
    ordinals = tickets + tickets // TICKETS_PER_DELETED
    contacts = max(1, tickets // TICKETS_PER_CONTACT)
    return Run(
        first_ordinal=await main.fetchval(_SQL["already_there"]) + 1,
        ordinals=ordinals,
        first_ticket=await _reserve_ids(main, "tickets", ordinals),
        first_contact=await _reserve_ids(main, "contacts", contacts),
        contacts=contacts,
        until=until or await main.fetchval(_SQL["midnight"]),
        span=SPAN,
    )


async def _reserve_ids(main: asyncpg.Connection, table: str, count: int) -> int:
    """Take a run of ids from the host's sequence and return the first; nobody can take one from its middle."""
    sequence = await main.fetchval("SELECT pg_get_serial_sequence($1, 'id')", table)
    step = await main.fetchval("SELECT seqincrement FROM pg_sequence WHERE seqrelid = $1::text::regclass", sequence)
    # ALTER SEQUENCE is transactional, and others wait for the sequence meanwhile.
    await main.execute(f"ALTER SEQUENCE {sequence} INCREMENT BY {step}")
    first = await main.fetchval("SELECT nextval($1::text::regclass)", sequence)
    if count > 1:
        await main.execute(f"ALTER SEQUENCE {sequence} INCREMENT BY {count - 1}")
        await main.execute("SELECT nextval($1::text::regclass)", sequence)
        await main.execute(f"ALTER SEQUENCE {sequence} INCREMENT BY {step}")
    return int(first)


async def _tell(connection: asyncpg.Connection, run: Run) -> None:
    await connection.copy_records_to_table("seed_run", records=[astuple(run)])
    await connection.execute("ANALYZE seed_run")


async def _add_tickets(target: _Target, run: Run, step: Step) -> None:
    """Let each connection take the next batch until there is none."""
    batches = run.batches()
    done = 0

    async def work(connection: asyncpg.Connection) -> None:
        nonlocal done
        for first, last in batches:
            await _add_batch(connection, first, last)
            done += last - first + 1
            step.tell(f"{done:,} of {run.ordinals:,}")

    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(_session(target)) for _ in range(CONNECTIONS)]
        for connection in connections:
            await _tell(connection, run)
        async with asyncio.TaskGroup() as group:
            for connection in connections:
                group.create_task(work(connection))


async def _add_batch(connection: asyncpg.Connection, first: int, last: int) -> None:
    """Insert in one transaction and change in others: a version that nobody else ever saw leaves no history."""
    async with connection.transaction():
        await connection.execute(_SQL["begin_batch"])
        for name in ("tickets", *_CHILDREN):
            await connection.execute(_SQL[name], first, last)
    for share in CHANGED:
        await connection.execute(_SQL["change_tickets"], first, last, share)
    await connection.execute(_SQL["change_tasks"], first, last)
    await connection.execute(_SQL["delete_tickets"], first, last)
