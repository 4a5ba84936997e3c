"""A small helpdesk with rows in every table, and writers that change each of them as the host application would."""

import random
from collections import Counter

import asyncpg

from support.installation import Installation

TICKETS = 140

# Without the host's foreign keys: a ticket may name a status that is gone, and that comes back later.
LAY_OUT = f"""
DO $$ DECLARE named text; BEGIN
    FOR named IN SELECT conname FROM pg_constraint WHERE conrelid = 'tickets'::regclass AND contype = 'f' LOOP
        EXECUTE format('ALTER TABLE tickets DROP CONSTRAINT %I', named);
    END LOOP;
END $$;
DELETE FROM tickets WHERE id NOT IN (SELECT id FROM tickets ORDER BY md5(id::text) LIMIT {TICKETS});
UPDATE tickets SET tags = ARRAY['alpha', 'b' || id % 3], description = CASE WHEN id % 5 > 0 THEN 'text ' || id END,
       creation_time = timestamptz '2024-03-30 22:00Z' + (id % 40) * interval '37 minutes',
       snoozed_until = CASE id % 9 WHEN 0 THEN timestamptz '2999-01-01Z' WHEN 1 THEN timestamptz '2001-01-01Z' END,
       assignee_id = CASE WHEN id % 4 > 0 THEN assignee_id END, sla_status = CASE id % 3 WHEN 0 THEN 'breached' END;
INSERT INTO ticket_tasks (ticket_id, title, is_closed, deleted_at)
SELECT id, 'task', n = 1, CASE WHEN (id + n) % 5 = 0 THEN now() END
FROM tickets, generate_series(1, 3) n WHERE id % 3 <> n;
INSERT INTO comments (ticket_id, body) SELECT id, 'comment' FROM tickets WHERE id % 3 = 0;
INSERT INTO attachments (ticket_id, file_name) SELECT id, 'file' FROM tickets WHERE id % 4 = 0;
INSERT INTO followers (ticket_id, staff_id) SELECT t.id, s.id FROM tickets t, staff s
WHERE t.id % 2 = 0 AND s.username IN ('ada', 'cara');
INSERT INTO team_members (team_id, staff_id) SELECT t.id, s.id FROM teams t, staff s
WHERE s.username = 'cara' ON CONFLICT DO NOTHING;
UPDATE tickets SET assignee_id = (SELECT id FROM staff WHERE username = 'cara') WHERE id % 5 = 1;
UPDATE tickets SET created_by_staff_id = (SELECT id FROM staff WHERE username = 'cara') WHERE id % 5 = 2;
"""

# A third of them, so that what hangs on a view's tickets changes too.
_SOME_TICKETS = "(SELECT id FROM tickets WHERE id % 3 = length({salt}) % 3)"
_SOME_TICKET = "(SELECT id FROM tickets ORDER BY md5(id::text || {salt}) LIMIT 1)"

# One statement for each sort of change, on every table that an export may read; {salt} picks the row.
CHANGES = {
    "ticket status": "UPDATE tickets SET status = (SELECT developer_name FROM statuses ORDER BY md5(developer_name ||"
    " {salt}) LIMIT 1), last_modification_time = clock_timestamp() WHERE id = {ticket}",
    "ticket owner": "UPDATE tickets SET assignee_id = NULL, owning_team_id = (SELECT id FROM teams ORDER BY"
    " md5(id::text || {salt}) LIMIT 1) WHERE id = {ticket}",
    "ticket time": "UPDATE tickets SET creation_time = creation_time + interval '3 hours', snoozed_until = NULL,"
    " custom = jsonb_build_object('location', {salt}) WHERE id = {ticket}",
    "ticket soft deletion": "UPDATE tickets SET deleted_at = CASE WHEN deleted_at IS NULL THEN now() END"
    " WHERE id = {ticket}",
    "many tickets": "UPDATE tickets SET priority = 'low' WHERE id % 7 = length({salt}) % 7",
    "key": "UPDATE tickets SET id = id + 10000000 WHERE id = (SELECT min(id) FROM tickets t WHERE NOT EXISTS (SELECT"
    " FROM followers f WHERE f.ticket_id = t.id) AND NOT EXISTS (SELECT FROM comments c WHERE c.ticket_id = t.id) AND"
    " NOT EXISTS (SELECT FROM ticket_tasks k WHERE k.ticket_id = t.id) AND NOT EXISTS (SELECT FROM attachments a"
    " WHERE a.ticket_id = t.id))",
    "status": "UPDATE statuses SET label = label || '.', sort_order = -sort_order,"
    " status_type = CASE status_type WHEN 'open' THEN 'closed' ELSE 'open' END"
    " WHERE developer_name = (SELECT developer_name FROM statuses ORDER BY md5(developer_name || {salt}) LIMIT 1)",
    "priority": "UPDATE priorities SET label = label || '.', sort_order = 10 - sort_order WHERE developer_name ="
    " (SELECT developer_name FROM priorities ORDER BY md5(developer_name || {salt}) LIMIT 1)",
    "language": "UPDATE languages SET label = label || '.'",
    "staff": "UPDATE staff SET first_name = 'Renamed ' || {salt} WHERE id IN (SELECT assignee_id FROM tickets"
    " ORDER BY md5(id::text || {salt}) LIMIT 5)",
    "team": "UPDATE teams SET name = name || '.' WHERE id IN (SELECT id FROM teams ORDER BY md5(id::text || {salt})"
    " LIMIT 3)",
    "contact": "UPDATE contacts SET first_name = 'Renamed', email = {salt} || '@example.com',"
    " deleted_at = CASE WHEN deleted_at IS NULL AND length({salt}) % 2 = 0 THEN now() END"
    " WHERE id IN (SELECT contact_id FROM tickets ORDER BY md5(id::text || {salt}) LIMIT 5)",
    "status gone": "DELETE FROM statuses WHERE developer_name = (SELECT developer_name FROM statuses ORDER BY"
    " md5(developer_name || {salt}) LIMIT 1)",
    "status back": "INSERT INTO statuses SELECT DISTINCT status, 'Back', 'open', length({salt}) FROM tickets"
    " ON CONFLICT DO NOTHING",
    "priority gone": "DELETE FROM priorities WHERE developer_name = (SELECT developer_name FROM priorities ORDER BY"
    " md5(developer_name || {salt}) LIMIT 1)",
    "priority back": "INSERT INTO priorities SELECT DISTINCT priority, 'Back', length({salt}) FROM tickets"
    " WHERE priority IS NOT NULL ON CONFLICT DO NOTHING",
    "language gone": "DELETE FROM languages",
    "language back": "INSERT INTO languages SELECT DISTINCT language, 'Back' FROM tickets WHERE language IS NOT NULL"
    " ON CONFLICT DO NOTHING",
    "staff gone": "DELETE FROM staff WHERE username <> 'cara' AND id IN (SELECT assignee_id FROM tickets"
    " ORDER BY md5(id::text || {salt}) LIMIT 8)",
    "staff back": "INSERT INTO staff (id, username, first_name) SELECT DISTINCT assignee_id, assignee_id::text, 'Back'"
    " FROM tickets WHERE assignee_id IS NOT NULL ON CONFLICT DO NOTHING",
    "creator back": "INSERT INTO staff (id, username, first_name) SELECT DISTINCT created_by_staff_id,"
    " created_by_staff_id::text, 'Back' FROM tickets WHERE created_by_staff_id IS NOT NULL ON CONFLICT DO NOTHING",
    "team gone": "DELETE FROM teams WHERE id IN (SELECT owning_team_id FROM tickets ORDER BY md5(id::text || {salt})"
    " LIMIT 8)",
    "team back": "INSERT INTO teams SELECT DISTINCT owning_team_id, 'Back' FROM tickets"
    " WHERE owning_team_id IS NOT NULL ON CONFLICT DO NOTHING",
    "contact gone": "DELETE FROM contacts WHERE id IN (SELECT contact_id FROM tickets ORDER BY md5(id::text || {salt})"
    " LIMIT 8)",
    "contact back": "INSERT INTO contacts (id, first_name, email) SELECT DISTINCT contact_id, 'Back', 'back@example.com'"
    " FROM tickets WHERE contact_id IS NOT NULL ON CONFLICT DO NOTHING",
    "task": "UPDATE ticket_tasks SET is_closed = NOT is_closed,"
    " deleted_at = CASE WHEN deleted_at IS NULL AND id % 3 = 0 THEN now() END WHERE ticket_id IN {tickets}",
    "task gone": "DELETE FROM ticket_tasks WHERE ticket_id IN {tickets}",
    "task new": "INSERT INTO ticket_tasks (ticket_id, title) SELECT id, 'new' FROM {tickets}",
    "comment gone": "DELETE FROM comments WHERE ticket_id IN {tickets}",
    "comment new": "INSERT INTO comments (ticket_id, body) SELECT id, 'new' FROM {tickets}",
    "attachment gone": "DELETE FROM attachments WHERE ticket_id IN {tickets}",
    "attachment new": "INSERT INTO attachments (ticket_id, file_name) SELECT id, 'new' FROM {tickets}",
    "follower gone": "DELETE FROM followers WHERE ticket_id IN {tickets}",
    "follower new": "INSERT INTO followers (ticket_id, staff_id) SELECT t.id, s.id FROM {tickets} t, staff s"
    " WHERE s.username = 'cara' ON CONFLICT DO NOTHING",
}

# A copy of a ticket with all that hangs on it, so that whatever a view asks it says of the copy too.
CLONE = """
WITH copy AS (
    INSERT INTO tickets (id, title, description, status, priority, language, category, tags, owning_team_id, assignee_id,
        created_by_staff_id, contact_id, creation_time, last_modification_time, closed_at, resolved_at, sla_due_at,
        sla_breached_at, snoozed_until, sla_status, deleted_at, custom)
    SELECT $2::bigint, title, description, status, priority, language, category, tags, owning_team_id, assignee_id,
        created_by_staff_id, contact_id, creation_time, last_modification_time, closed_at, resolved_at, sla_due_at,
        sla_breached_at, snoozed_until, sla_status, deleted_at, custom FROM tickets WHERE id = $1 RETURNING id
), tasks AS (
    INSERT INTO ticket_tasks (ticket_id, title, is_closed, deleted_at)
    SELECT copy.id, k.title, k.is_closed, k.deleted_at FROM ticket_tasks k, copy WHERE k.ticket_id = $1
), comments AS (
    INSERT INTO comments (ticket_id, body) SELECT copy.id, c.body FROM comments c, copy WHERE c.ticket_id = $1
), attachments AS (
    INSERT INTO attachments (ticket_id, file_name) SELECT copy.id, a.file_name FROM attachments a, copy
    WHERE a.ticket_id = $1
)
INSERT INTO followers (ticket_id, staff_id) SELECT copy.id, f.staff_id FROM followers f, copy WHERE f.ticket_id = $1
"""


async def lay_out(installation: Installation) -> None:
    """Give every table rows, few enough that a schedule takes milliseconds."""
    host = await installation.connect(installation.helpdesk_url)
    try:
        await host.execute("SET search_path = helpdesk")
        await host.execute(LAY_OUT)
        await host.execute("ANALYZE")
    finally:
        await host.close()


class Writer:
    """One session of the host: random changes, some in savepoints, some rolled back, some long open."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]", dice: random.Random) -> None:
        self.connection = connection
        self.dice = dice
        self.committed: Counter[str] = Counter()
        self._open: list[str] = []

    async def change(self) -> None:
        """Commit or roll back a few changes."""
        await self.begin()
        await self.end()

    async def begin(self) -> None:
        """Make a few changes and leave the transaction open; a conflict with another writer ends it."""
        await self.connection.execute("BEGIN; SET LOCAL lock_timeout = '20ms'")
        self._open = [self.dice.choice(sorted(CHANGES)) for _ in range(self.dice.randint(1, 4))]
        try:
            for name in self._open:
                await self.connection.execute(self._statement(name))
        except asyncpg.PostgresError:
            await self.connection.execute("ROLLBACK")
            self._open = []

    async def end(self) -> None:
        """End the open transaction, most often with success."""
        if not self._open:
            return
        if self.dice.random() < 0.8:
            await self.connection.execute("COMMIT")
            self.committed.update(self._open)
        else:
            await self.connection.execute("ROLLBACK")
        self._open = []

    def _statement(self, name: str) -> str:
        salt = f"'{'x' * self.dice.randint(0, 6)}{self.dice.randint(0, 999)}'"
        sql = CHANGES[name].format(
            salt=salt, ticket=_SOME_TICKET.format(salt=salt), tickets=_SOME_TICKETS.format(salt=salt)
        )
        if self.dice.random() < 0.3:
            undo = self.dice.choice(["ROLLBACK TO", "RELEASE"])
            return f"SAVEPOINT s; {sql}; {undo} s"
        return sql
