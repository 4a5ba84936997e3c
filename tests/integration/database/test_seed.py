"""Synthetic tickets: as many as asked for, the same each time, what the host could have written, with real history."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner

from integration.database.conftest import new_database
from local_stack.environment import write_environment
from local_stack.errors import StackError
from local_stack.main import app
from local_stack.seed import seed_tickets
from local_stack.seed.samples import read_samples
from local_stack.servers import Servers
from support.installation import Installation
from ticket_export.source_contract import CONTRACT

TICKETS = 30_000
UNTIL = datetime(2025, 1, 1, tzinfo=UTC)
Connection = asyncpg.Connection

# What a ticket says, its place in a run instead of its id, without the ids of contacts.
_CONTENT = """
SELECT md5(string_agg(line, '|' ORDER BY place)) FROM (
    SELECT (t.custom ->> 'synthetic')::bigint AS place,
           concat(to_jsonb(t) - '{id,contact_id,valid_from}'::text[], to_jsonb(c) - '{id,valid_from}'::text[],
                  (SELECT jsonb_agg(to_jsonb(k) - '{id,ticket_id,valid_from}'::text[] ORDER BY k.id) FROM ticket_tasks k
                   WHERE k.ticket_id = t.id),
                  (SELECT jsonb_agg(m.body ORDER BY m.id) FROM comments m WHERE m.ticket_id = t.id),
                  (SELECT jsonb_agg(f.staff_id ORDER BY f.staff_id) FROM followers f WHERE f.ticket_id = t.id),
                  (SELECT jsonb_agg(to_jsonb(h) - '{id,contact_id,valid_from,valid_to}'::text[] ORDER BY h.valid_to)
                   FROM tickets_history h WHERE h.id = t.id)) AS line
    FROM tickets t LEFT JOIN contacts c ON c.id = t.contact_id WHERE t.custom ? 'synthetic') x
"""

_FOREIGN_KEYS = """
SELECT c.conrelid::regclass::text AS child, c.confrelid::regclass::text AS parent, a.attname AS column, b.attname AS key
FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = c.confkey[1]
WHERE c.contype = 'f' AND c.connamespace = 'helpdesk'::regnamespace
"""


@pytest.fixture(scope="module")
def seeded_template(servers: Servers, template_database: str) -> str:
    """A database with a first run in it, to be read and cloned."""
    return asyncio.run(_seeded(servers, template_database))


async def _seeded(servers: Servers, template: str) -> str:
    cluster = await asyncpg.connect(servers.postgres.address.url("postgres"))
    try:
        await cluster.execute(f"CREATE DATABASE template_seeded TEMPLATE {template}")
    finally:
        await cluster.close()
    seeded = Installation(servers, "template_seeded", bucket="", topic_prefix="")
    await seed_tickets(seeded.admin_url, schema="helpdesk", tickets=TICKETS, until=UNTIL)
    return seeded.database


@pytest.fixture
async def seeded(servers: Servers, seeded_template: str) -> AsyncIterator[Connection]:
    connection = await Installation(servers, seeded_template, bucket="", topic_prefix="").connect()
    yield connection
    await connection.close()


async def content(database: Installation) -> str:
    connection = await database.connect()
    try:
        return str(await connection.fetchval(_CONTENT))
    finally:
        await connection.close()


async def share(connection: Connection, condition: str) -> float:
    """Return the share of the synthetic tickets for which it holds."""
    found = await connection.fetchval(f"""
        SELECT avg(coalesce({condition}, false)::int)::float8 FROM tickets t JOIN statuses s ON s.developer_name = t.status
        WHERE custom ? 'synthetic'""")
    return float(found)


async def test_as_many_as_asked_for(seeded: Connection) -> None:
    assert await seeded.fetchval("SELECT count(*) FROM tickets WHERE custom ? 'synthetic'") == TICKETS
    assert await seeded.fetchval("SELECT count(*) FROM tickets") == TICKETS + 890
    deleted = (
        "SELECT count(DISTINCT id) FROM tickets_history h WHERE NOT EXISTS (SELECT FROM tickets t WHERE t.id = h.id)"
    )
    assert await seeded.fetchval(deleted) == TICKETS // 500


async def test_every_kind_of_ticket_in_its_proportion(seeded: Connection) -> None:
    for least, condition, most in (
        (0.15, "status_type = 'open'", 0.25),
        (0.005, "status_type = 'open' AND assignee_id IS NULL AND owning_team_id IS NULL", 0.02),
        (0.01, "status_type = 'open' AND sla_status = 'breached'", 0.06),
        (0.0005, f"snoozed_until > '{UNTIL.isoformat()}'", 0.002),
        (0.003, "t.deleted_at IS NOT NULL", 0.007),
        (0.09, "EXISTS (SELECT FROM tickets_history h WHERE h.id = t.id)", 0.11),
        (0.06, "EXISTS (SELECT FROM ticket_tasks k WHERE k.ticket_id = t.id)", 0.2),
        (0.06, "EXISTS (SELECT FROM comments k WHERE k.ticket_id = t.id)", 0.2),
        (0.03, "EXISTS (SELECT FROM attachments k WHERE k.ticket_id = t.id)", 0.1),
        (0.04, "EXISTS (SELECT FROM followers k WHERE k.ticket_id = t.id)", 0.1),
        (0.01, f"t.creation_time = timestamptz '{UNTIL.isoformat()}' - interval '1095 days' / 2", 0.006),
        (0.05, "t.creation_time IN (SELECT creation_time FROM tickets GROUP BY 1 HAVING count(*) >= 190)", 0.1),
        (0.9, "contact_id IS NOT NULL", 0.99),
        (
            1.0,
            f"t.creation_time < '{UNTIL.isoformat()}' AND closed_at IS NULL OR closed_at <= '{UNTIL.isoformat()}'",
            1.0,
        ),
    ):
        found = await share(seeded, condition)
        assert least * 0.5 <= found <= most, (condition, found)


async def test_every_value_comes_up(seeded: Connection) -> None:
    samples = read_samples()
    languages = {
        row[0] for row in await seeded.fetch("SELECT DISTINCT language FROM tickets WHERE custom ? 'synthetic'")
    }
    assert languages == {None, *(language.name for language in samples.languages)}
    titles = {row[0] for row in await seeded.fetch("SELECT title FROM tickets")}
    descriptions = {row[0] for row in await seeded.fetch("SELECT description FROM tickets")}
    assert set(samples.awkward) <= titles | descriptions
    # Among 300 of each all but the unluckiest come up.
    assert min(len(texts & set(samples.awkward)) for texts in (titles, descriptions)) > 60
    assert max(map(len, titles)) > 32_767
    for column, least in (("status", 8), ("priority", 5), ("owning_team_id", 22), ("sla_status", 4), ("category", 18)):
        assert await seeded.fetchval(f"SELECT count(*) FROM (SELECT {column} FROM tickets GROUP BY 1) x") >= least
    for key in ("location", "channel", "order_number", "renewal", "vip"):
        assert await share(seeded, f"custom ? '{key}'") > 0.02, key
    assert await seeded.fetchval("SELECT count(*) FROM staff WHERE username LIKE 'synthetic%'") == 20
    assert await seeded.fetchval(
        "SELECT count(*) FROM tickets t JOIN staff s ON s.id = assignee_id WHERE username = 'ada'"
    )


async def test_nothing_refers_to_what_is_not_there(seeded: Connection) -> None:
    """Foreign keys were not checked row by row."""
    for key in await seeded.fetch(_FOREIGN_KEYS):
        orphans = await seeded.fetchval(f"""
            SELECT count(*) FROM {key["child"]} c WHERE c.{key["column"]} IS NOT NULL
            AND NOT EXISTS (SELECT FROM {key["parent"]} p WHERE p.{key["key"]} = c.{key["column"]})""")
        assert orphans == 0, key


async def test_the_history_is_what_the_triggers_make(seeded: Connection) -> None:
    for table in CONTRACT:
        keys = " AND ".join(f"n.{column} = h.{column}" for column in table.key)
        columns = f"{', '.join(table.key)}, valid_from"
        broken = await seeded.fetchval(f"""
            SELECT count(*) FROM {table.history} h WHERE h.valid_from >= h.valid_to
            OR (EXISTS (SELECT FROM {table.name} n WHERE {keys}) AND NOT EXISTS (
                SELECT FROM (SELECT {columns} FROM {table.name} UNION ALL SELECT {columns} FROM {table.history}) n
                WHERE {keys} AND n.valid_from = h.valid_to))""")
        assert broken == 0, table.name
    for table_name in ("tickets", "contacts", "staff", "teams", "ticket_tasks"):
        assert await seeded.fetchval(f"SELECT count(*) FROM {table_name}_history") > 0, table_name
    versions = await seeded.fetch("SELECT count(*) FROM tickets_history GROUP BY id")
    assert {row["count"] for row in versions} >= {1, 2, 3}
    stamps = "SELECT count(DISTINCT valid_from) FROM tickets WHERE custom ? 'synthetic'"
    assert await seeded.fetchval(stamps) > 2


async def test_a_further_run_adds_others(servers: Servers, seeded_template: str) -> None:
    async with new_database(servers, seeded_template) as database:
        before = await content(database)
        connection = await database.connect()
        last = await connection.fetchval("SELECT max((custom ->> 'synthetic')::bigint) FROM tickets")
        await seed_tickets(database.admin_url, schema="helpdesk", tickets=1_000, until=UNTIL)
        count = await connection.fetchval("SELECT count(*) FROM tickets WHERE custom ? 'synthetic'")
        ordinals = await connection.fetchval("SELECT count(DISTINCT custom ->> 'synthetic') FROM tickets")
        mine = await connection.fetchval("INSERT INTO tickets (title, status) VALUES ('mine', 'new') RETURNING id")
        newest = await connection.fetchval("SELECT max(id) FROM tickets WHERE custom ? 'synthetic'")
        await connection.execute("DELETE FROM tickets WHERE (custom ->> 'synthetic')::bigint > $1", last)
        await connection.close()
        assert (count, ordinals) == (TICKETS + 1_000, TICKETS + 1_000)
        assert mine > newest, "the host's sequence goes on behind them"
        assert await content(database) == before


async def test_the_number_decides(database: Installation, servers: Servers, template_database: str) -> None:
    await seed_tickets(database.admin_url, schema="helpdesk", tickets=2_000, until=UNTIL)
    async with new_database(servers, template_database) as same, new_database(servers, template_database) as other:
        await seed_tickets(same.admin_url, schema="helpdesk", tickets=2_000, until=UNTIL)
        await seed_tickets(other.admin_url, schema="helpdesk", tickets=2_000, until=UNTIL, number=2)
        assert await content(same) == await content(database)
        assert await content(other) != await content(database)


async def test_a_helpdesk_without_versioning(helpdesk: Installation) -> None:
    await seed_tickets(helpdesk.admin_url, schema="helpdesk", tickets=1, until=UNTIL)
    connection = await helpdesk.connect()
    assert await connection.fetchval("SELECT count(*) FROM tickets") == 891
    await connection.close()


async def test_one_run_at_a_time(database: Installation) -> None:
    other = await database.connect()
    await other.execute("SELECT pg_advisory_lock(hashtextextended('stack seed helpdesk', 0))")
    with pytest.raises(StackError, match="being added already"):
        await seed_tickets(database.admin_url, schema="helpdesk", tickets=10)
    await other.close()


async def test_what_the_database_refuses_is_said(database: Installation) -> None:
    with pytest.raises(StackError, match=r"could not be added: permission denied"):
        await seed_tickets(database.source_reader_url, schema="helpdesk", tickets=10)


def test_the_command(installation: Installation, tmp_path: Path) -> None:
    write_environment(tmp_path, {"ADMIN_DATABASE_URL": installation.admin_url})
    done = CliRunner().invoke(app, ["seed", "--tickets", "500", "--directory", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "500 tickets" in done.stderr


async def test_ctrl_c_leaves_nothing_running(database: Installation, tmp_path: Path) -> None:
    write_environment(tmp_path, {"ADMIN_DATABASE_URL": database.admin_url})
    command = [sys.executable, "-m", "local_stack.main", "seed", "--tickets", "5000000", "--directory", str(tmp_path)]
    # A run in the background of a shell ignores Ctrl-C, and its children would as well.
    listening = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    seeding = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=listening
    )
    connection = await database.connect()
    sessions = (
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'stack seed' AND datname = current_database()"
    )
    async with asyncio.timeout(60):
        while not await connection.fetchval(f"{sessions} AND state = 'active'"):
            await asyncio.sleep(0.05)
        seeding.send_signal(signal.SIGINT)
        assert await seeding.wait() == 130
        while await connection.fetchval(sessions):
            await asyncio.sleep(0.05)
    await connection.close()
