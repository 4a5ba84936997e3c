"""What exactness and safety cost a file: the statements of a 12-column export, each as COPY into nothing.

"plain" is what one would write by hand: live tables, four joins, to_char, one ordered statement. The compiled view in
the machine profile gives the same bytes, which is asserted; each further variant adds one thing.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from bench.desk import BOOKKEEPING, HELPDESK, Desk
from bench.rounds import Variant
from ticket_export.snapshot import Snapshot
from ticket_export.views.compile import LEAST_ID, CompiledView, Key, Page, compile_view
from ticket_export.views.payload import ViewPayload
from ticket_export.views.profiles import ProfileName

COLUMNS = (
    "id",
    "title",
    "status",
    "priority",
    "category",
    "sla_status",
    "assignee_name",
    "contact_id",
    "contact_name",
    "sla_due_at",
    "creation_time",
    "last_modification_time",
)
PAGE_ROWS = 200_000

PLAIN_NAME = "plain statement with to_char"
AS_OF = "+ as of the request"
CHANGED = "  … a tenth has changed since"
GUARD = "+ guard, native timestamps"
QUOTING = "+ every field quoted"
TWO = "  … over two connections"

_ISO = """to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
_PERSON = "nullif(btrim(concat_ws(' ', {row}.first_name, {row}.last_name)), '')"
PLAIN = f"""
SELECT t.id, t.title, coalesce(s.label, t.status), coalesce(p.label, t.priority), t.category, t.sla_status,
       {_PERSON.format(row="a")}, t.contact_id, {_PERSON.format(row="c")},
       {_ISO.format(column="t.sla_due_at")}, {_ISO.format(column="t.creation_time")},
       {_ISO.format(column="t.last_modification_time")}
FROM {HELPDESK}.tickets t
LEFT JOIN {HELPDESK}.statuses s ON s.developer_name = t.status
LEFT JOIN {HELPDESK}.priorities p ON p.developer_name = t.priority
LEFT JOIN {HELPDESK}.staff a ON a.id = t.assignee_id
LEFT JOIN {HELPDESK}.contacts c ON c.id = t.contact_id AND c.deleted_at IS NULL
WHERE t.deleted_at IS NULL
ORDER BY t.creation_time DESC, t.id DESC
"""

# A tenth of the tickets gets a newer version; what they were is then read from the history.
_CHANGE = "UPDATE tickets SET last_modification_time = last_modification_time + interval '1 s' WHERE id % 10 = 3"

Connection = asyncpg.Connection


@dataclass(frozen=True, slots=True)
class Moment:
    """A snapshot and when it was taken."""

    snapshot: str
    at: datetime

    def view(self, profile: ProfileName) -> CompiledView:
        """The measured view as of then."""
        return compile_view(
            ViewPayload(scope="all", columns=COLUMNS, profile=profile),
            snapshot=Snapshot.parse(self.snapshot),
            requested_at=self.at,
            source_schema=HELPDESK,
            bookkeeping_schema=BOOKKEEPING,
        )


@asynccontextmanager
async def export_variants(desk: Desk) -> AsyncIterator[list[Variant]]:
    """Prepare the snapshots and sessions that the variants use; raises AssertionError when bytes differ."""
    before, after = await _moments(desk)
    first, second = await desk.reader(), await desk.reader()
    try:
        pages = await _pages(first, after)
        await _assert_same_bytes(first, after, pages)
        yield _variants(first, second, before, after, pages)
    finally:
        await first.close()
        await second.close()


def _variants(
    first: Connection, second: Connection, before: Moment, after: Moment, pages: Sequence[Page]
) -> list[Variant]:
    half = len(pages) // 2
    one, both = (first.get_server_pid(),), (first.get_server_pid(), second.get_server_pid())
    machine, old = _statements(after.view("machine"), pages), _statements(before.view("machine"), pages)
    sheet = _statements(after.view("spreadsheet"), pages)

    async def over_two() -> int:
        runs = (copy(first, sheet[:half], quote=True), copy(second, sheet[half:], quote=True))
        return sum(await asyncio.gather(*runs))

    return [
        Variant(PLAIN_NAME, lambda: copy(first, [PLAIN]), one),
        Variant(AS_OF, lambda: copy(first, machine), one),
        Variant(CHANGED, lambda: copy(first, old), one),
        Variant(GUARD, lambda: copy(first, sheet), one),
        Variant(QUOTING, lambda: copy(first, sheet, quote=True), one),
        Variant(TWO, over_two, both),
    ]


def _statements(view: CompiledView, pages: Sequence[Page]) -> list[str]:
    paged = view.copy()
    return [paged.for_page(page) for page in pages]


async def copy(
    connection: Connection, statements: Sequence[str], *, quote: bool = False, digest: "hashlib._Hash | None" = None
) -> int:
    """Stream each statement's CSV into nothing, or a digest, and return the bytes."""
    size = 0

    async def sink(data: bytes) -> None:
        nonlocal size
        size += len(data)
        if digest:
            digest.update(data)

    for statement in statements:
        await connection.copy_from_query(statement, output=sink, format="csv", force_quote=quote)
    return size


async def _moments(desk: Desk) -> tuple[Moment, Moment]:
    """Return the moments before and after a tenth of the tickets was changed."""
    owner = await desk.owner()
    try:
        before = await _now(owner)
        await owner.execute(_CHANGE)
        await owner.execute("VACUUM (ANALYZE)")
        return before, await _now(owner)
    finally:
        await owner.close()


async def _now(connection: Connection) -> Moment:
    row = await connection.fetchrow("SELECT pg_current_snapshot()::text AS snapshot, now() AS at")
    assert row is not None
    return Moment(row["snapshot"], row["at"])


async def _pages(connection: Connection, moment: Moment) -> list[Page]:
    """Cut the view into pages of at most PAGE_ROWS or so, newest first; an even number, for two connections."""
    row = await connection.fetchrow(moment.view("machine").measure())
    assert row is not None
    number = 2 * -(-row["rows"] // (2 * PAGE_ROWS))
    cuts = row["cuts"]
    keys = [Key(cuts[len(cuts) * place // number], LEAST_ID) for place in range(number - 1, 0, -1)]
    return [Page(upper, lower) for upper, lower in zip([None, *keys], [*keys, None], strict=True)]


async def _assert_same_bytes(connection: Connection, moment: Moment, pages: Sequence[Page]) -> None:
    by_hand, compiled = hashlib.sha256(), hashlib.sha256()
    await copy(connection, [PLAIN], digest=by_hand)
    await copy(connection, _statements(moment.view("machine"), pages), digest=compiled)
    assert by_hand.digest() == compiled.digest(), "the compiled view must give the plain statement's bytes"
