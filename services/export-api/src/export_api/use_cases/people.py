"""Who somebody is to the helpdesk, with the rights that they hold at this moment."""

from export_api.errors import UnknownPersonError
from export_api.queries.source import Source
from ticket_export.permissions import Person


async def find_person(source: Source, username: str) -> Person:
    """Read an active member of staff; raise UnknownPersonError for anybody else."""
    async with source.reading() as reading:
        person = await reading.person(username)
    if person is None:
        raise UnknownPersonError
    return person
