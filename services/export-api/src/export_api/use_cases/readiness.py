"""Can this replica do its work now? Both databases answer and hold what is read from them."""

import asyncio

import asyncpg

from export_api.errors import DatabaseUnavailableError, UnavailableError
from export_api.queries import jobs
from export_api.use_cases.installation import Installation

CHECK_SECONDS = 3.0


class NotMigratedError(UnavailableError):
    """The jobs database lacks the tables of this version. An operator has to run `ticket-export migrate`."""


async def check_ready(installation: Installation) -> None:
    """Raise UnavailableError when a database does not answer in time or lacks its tables."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await _probe(installation)
    except TimeoutError as error:
        raise DatabaseUnavailableError from error
    except asyncpg.SyntaxOrAccessError as error:
        raise NotMigratedError from error


async def _probe(installation: Installation) -> None:
    async with installation.jobs.connection() as connection:
        await jobs.probe(connection)
    async with installation.source.reading() as reading:
        await reading.probe()
