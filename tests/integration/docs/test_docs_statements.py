"""The SQL of docs/operations.md does what it says on a real installation."""

import re

from support.compose import ROOT
from support.exports import insert_job
from support.installation import Installation

STATEMENT = re.compile(r"^```sql\n(.*?)^```", re.MULTILINE | re.DOTALL)


def statements(beginning: str = "") -> list[str]:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    return [sql for sql in STATEMENT.findall(text) if sql.startswith(beginning)]


async def test_every_statement_runs(installation: Installation) -> None:
    connection = await installation.connect()
    try:
        for statement in statements():
            await connection.execute(statement)
    finally:
        await connection.close()
    assert len(statements()) == 6


async def test_the_first_lists_what_is_unfinished(installation: Installation) -> None:
    requested = await insert_job(installation)
    connection = await installation.connect()
    try:
        [row] = await connection.fetch(statements("SELECT j.id")[0])
    finally:
        await connection.close()
    assert (row["id"], row["status"], row["kind"], row["task"]) == (requested.id, "queued", "plan", "queued")


async def test_refused_events_are_shown_and_sent_again(installation: Installation) -> None:
    connection = await installation.connect()
    try:
        await connection.execute(
            "INSERT INTO outbox (topic, key, headers, body, failed_at, failure) VALUES ('t', 'k', '{}', '', now(), 'too large')"
        )
        [shown] = await connection.fetch(statements("SELECT failed_at")[0])
        await connection.execute(statements("UPDATE outbox")[0])
        waiting = await connection.fetchval("SELECT count(*) FROM outbox WHERE failed_at IS NULL")
    finally:
        await connection.close()
    assert (shown["refused"], shown["failure"], shown["count"]) == (True, "too large", 1)
    assert waiting == 1
