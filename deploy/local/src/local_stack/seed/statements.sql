-- Everything that seeding says to PostgreSQL. Rows are made in the server; a row's ordinal and the run's number decide
-- all that is in it, so that the same number gives the same tickets. {number} is the run's number.

-- name: prepare
-- What the statements below stand on; gone with the session.
CREATE FUNCTION pg_temp.roll(ordinal bigint, purpose text) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    -- At least 0 and less than 1; 52 bits of a hash, which PostgreSQL keeps the same from release to release.
    SELECT (hashint8extended(ordinal, hashtextextended(purpose, {number})) & 4503599627370495) / 4503599627370496.0::float8
$$;
CREATE FUNCTION pg_temp.pick(choices anyarray, roll float8) RETURNS anyelement LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT choices[1 + floor(roll * cardinality(choices))::int]
$$;
CREATE TEMP TABLE seed_samples (
    products text[], categories text[], tags text[], channels text[], locations text[], organizations text[],
    files text[], awkward text[]
);
CREATE TEMP TABLE seed_languages (
    place integer PRIMARY KEY, name text, label text, given text[], family text[], titles text[], sentences text[]
);
CREATE TEMP TABLE seed_run (
    first_ordinal bigint, ordinals bigint, first_ticket bigint, first_contact bigint, contacts bigint,
    until timestamptz, span interval
);
-- Compressed or moved out of line they would be unpacked for every row.
ALTER TABLE seed_samples ALTER products SET STORAGE PLAIN, ALTER categories SET STORAGE PLAIN,
    ALTER tags SET STORAGE PLAIN, ALTER channels SET STORAGE PLAIN, ALTER locations SET STORAGE PLAIN,
    ALTER organizations SET STORAGE PLAIN, ALTER files SET STORAGE PLAIN, ALTER awkward SET STORAGE PLAIN;
ALTER TABLE seed_languages ALTER given SET STORAGE PLAIN, ALTER family SET STORAGE PLAIN,
    ALTER titles SET STORAGE PLAIN, ALTER sentences SET STORAGE PLAIN;
-- What of the helpdesk's own a ticket may refer to, in an order that does not depend on the database's collation.
CREATE TEMP VIEW seed_pool AS SELECT
    (SELECT array_agg(id ORDER BY username COLLATE "C") FROM staff WHERE is_active) AS staff,
    (SELECT array_agg(id ORDER BY name COLLATE "C", id) FROM teams) AS teams,
    (SELECT array_agg(developer_name ORDER BY sort_order, developer_name COLLATE "C") FROM statuses
     WHERE status_type = 'open') AS open_statuses,
    (SELECT array_agg(developer_name ORDER BY sort_order, developer_name COLLATE "C") FROM statuses
     WHERE status_type = 'closed') AS closed_statuses,
    (SELECT array_agg(developer_name ORDER BY sort_order, developer_name COLLATE "C") FROM priorities) AS priorities
    -- Kept apart, so that pick() sees columns and is inlined.
    OFFSET 0;

-- name: alone
-- Whether no other run is under way in the schema $1; held until the session ends.
SELECT pg_try_advisory_lock(hashtextextended('stack seed ' || $1, 0));

-- name: already_there
-- How many ordinals earlier runs have used: a further run makes other tickets.
SELECT coalesce(max((custom ->> 'synthetic')::bigint), 0) FROM tickets WHERE custom ? 'synthetic';

-- name: midnight
-- The default end of the time over which tickets are spread.
SELECT date_trunc('day', now(), 'UTC');

-- name: languages
-- The languages that the samples know. $1 names, $2 labels.
INSERT INTO languages (developer_name, label) SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING;

-- name: custom_fields
-- One custom field of each type.
INSERT INTO custom_fields (key, label, type) VALUES
    ('order_number', 'Order number', 'number'), ('renewal', 'Renewal', 'date'), ('vip', 'VIP', 'boolean'),
    ('channel', 'Channel', 'select')
ON CONFLICT DO NOTHING;

-- name: teams
-- $1 how many.
INSERT INTO teams (id, name)
SELECT md5('synthetic team ' || n)::uuid,
       pg_temp.pick(ARRAY['Service Desk', 'Réseau', 'Buchhaltung', 'ИТ-поддержка', 'サポート', 'فريق الدعم', 'R&D, "Core"'], n / 7.0 - floor(n / 7.0))
       || ' ' || n
FROM generate_series(0, $1::bigint - 1) n ON CONFLICT DO NOTHING;

-- name: staff
-- $1 how many.
INSERT INTO staff (id, username, first_name, last_name, email)
SELECT md5('synthetic staff ' || n)::uuid, 'synthetic' || n, pg_temp.pick(l.given, pg_temp.roll(n, 'staff given')),
       CASE WHEN n % 50 <> 7 THEN pg_temp.pick(l.family, pg_temp.roll(n, 'staff family')) END,
       'synthetic' || n || '@example.com'
FROM generate_series(1, $1::bigint) n
JOIN seed_languages l ON l.place = floor(pg_temp.roll(n, 'staff language') * (SELECT count(*) FROM seed_languages))
ON CONFLICT DO NOTHING;

-- name: team_members
-- Everybody without a team joins two, the demo's own people too.
INSERT INTO team_members (team_id, staff_id)
SELECT DISTINCT pg_temp.pick(p.teams, pg_temp.roll(hashtext(s.username)::bigint * 2 + k, 'member')), s.id
FROM staff s, seed_pool p, generate_series(0, 1) k
WHERE NOT EXISTS (SELECT FROM team_members m WHERE m.staff_id = s.id);

-- name: contacts
-- The people who write in, a tenth as many as tickets.
INSERT INTO contacts (id, first_name, last_name, email, phone, organization_account, deleted_at)
SELECT r.first_contact + n,
       CASE WHEN pg_temp.roll(c, 'odd name') < 0.005 THEN pg_temp.pick(s.awkward, pg_temp.roll(c, 'which odd name'))
            WHEN pg_temp.roll(c, 'no given name') > 0.03 THEN pg_temp.pick(l.given, pg_temp.roll(c, 'given')) END,
       CASE WHEN pg_temp.roll(c, 'no family name') > 0.02 THEN pg_temp.pick(l.family, pg_temp.roll(c, 'family')) END,
       CASE WHEN pg_temp.roll(c, 'no email') > 0.1 THEN 'contact' || c || '@example.org' END,
       CASE WHEN pg_temp.roll(c, 'phone') < 0.6 THEN '+49' || 1500000000 + floor(pg_temp.roll(c, 'number') * 1e9)::bigint END,
       CASE WHEN pg_temp.roll(c, 'account') < 0.4 THEN pg_temp.pick(s.organizations, pg_temp.roll(c, 'which account')) END,
       CASE WHEN pg_temp.roll(c, 'deleted contact') < 0.01 THEN r.until - pg_temp.roll(c, 'when') * r.span END
FROM seed_run r, seed_samples s, LATERAL generate_series(0, r.contacts - 1) n, LATERAL (SELECT r.first_ordinal + n AS c) o
JOIN seed_languages l ON l.place = floor(pg_temp.roll(o.c, 'contact language') * (SELECT count(*) FROM seed_languages));

-- name: begin_batch
-- Foreign keys are checked once, by this lock, instead of seven times per row: that would take four times as long. The
-- versioning triggers are ENABLE ALWAYS, so they fire all the same.
SET LOCAL session_replication_role = replica;
LOCK TABLE statuses, priorities, languages, staff, teams, contacts IN SHARE MODE;

-- name: tickets
-- The tickets of the ordinals $1 to $2.
WITH dice AS (
    SELECT n, (n - r.first_ordinal) / r.ordinals::float8 AS position, pg_temp.roll(n, 'open') AS open_roll,
           pg_temp.roll(n, 'assigned') AS assigned, pg_temp.roll(n, 'awkward') AS odd, pg_temp.roll(n, 'kind of time') AS time_roll,
           pg_temp.roll(n / 200, 'import') < 0.05 AS imported,
           floor(pg_temp.roll(n, 'language') * (SELECT count(*) FROM seed_languages))::int AS language,
           r.ordinals, r.until, r.span, r.first_ticket + n - r.first_ordinal AS id,
           r.first_contact + floor(pg_temp.roll(n, 'contact') ^ 1.5 * r.contacts)::bigint AS contact
    FROM seed_run r, generate_series($1::bigint, $2::bigint) n
    OFFSET 0
), opened AS (
    -- Recent tickets are mostly open, old ones rarely. Most come in the order of their ids; imports share one instant.
    SELECT dice.*, open_roll < CASE WHEN position > 0.97 THEN 0.8 ELSE 0.17 END AS is_open,
           CASE WHEN position BETWEEN 0.5 AND 0.505 THEN until - 0.5 * span
                WHEN imported THEN date_trunc('second', until - (1 - position + n % 200 / ordinals::float8) * span)
                WHEN time_roll < 0.05 THEN until - pg_temp.roll(n, 'backdated') * span
                WHEN time_roll < 0.3 THEN date_trunc('minute', until - (1 - position) * span)
                WHEN time_roll < 0.7 THEN date_trunc('second', until - (1 - position) * span)
                ELSE until - (1 - position) * span END AS created,
           -ln(1 - pg_temp.roll(n, 'duration')) * interval '20 hours' AS duration,
           CASE WHEN pg_temp.roll(n, 'promised') < 0.85 THEN pg_temp.pick(
               ARRAY[interval '5 h', '24 h', '90 h', '120 h'], pg_temp.roll(n, 'promise')) END AS promise
    FROM dice
    OFFSET 0
), ended AS (
    SELECT opened.*, CASE WHEN is_open THEN pg_temp.pick(p.open_statuses, pg_temp.roll(n, 'status') ^ 2)
                          ELSE pg_temp.pick(p.closed_statuses, sqrt(pg_temp.roll(n, 'status'))) END AS status,
           CASE WHEN NOT is_open THEN least(created + duration, until) END AS closed,
           -- Of the open tickets that are late most wait for somebody else: nothing is promised meanwhile.
           CASE WHEN NOT is_open OR created + promise > until OR pg_temp.roll(n, 'late') < 0.2 THEN created + promise END AS due
    FROM opened, seed_pool p
    OFFSET 0
)
INSERT INTO tickets (
    id, title, description, status, priority, language, category, tags, owning_team_id, assignee_id,
    created_by_staff_id, contact_id, creation_time, last_modification_time, closed_at, resolved_at, sla_due_at,
    sla_breached_at, snoozed_until, sla_status, deleted_at, custom
)
SELECT t.id,
       CASE WHEN odd < 0.01 THEN pg_temp.pick(s.awkward, odd * 100)
            WHEN odd < 0.0102 THEN repeat(pg_temp.pick(l.titles, (odd - 0.01) * 5000) || ' ', 40)
            WHEN odd < 0.01025 THEN repeat(pg_temp.pick(l.sentences, 0) || E'\n', 33000 / length(l.sentences[1]))
            ELSE format(pg_temp.pick(l.titles, pg_temp.roll(n, 'title')), CASE WHEN pg_temp.roll(n, 'which') < 0.5
                THEN 'SO-' || 10000 + floor(pg_temp.roll(n, 'reference') * 90000)::int
                ELSE pg_temp.pick(s.products, pg_temp.roll(n, 'product')) END) END,
       CASE WHEN pg_temp.roll(n, 'description') < 0.35 THEN NULL
            WHEN pg_temp.roll(n, 'description') < 0.37 THEN ''
            WHEN pg_temp.roll(n, 'description') < 0.38 THEN pg_temp.pick(s.awkward, pg_temp.roll(n, 'odd text'))
            WHEN pg_temp.roll(n, 'description') < 0.381 THEN repeat(l.sentences[2] || E'\n', 40)
            WHEN pg_temp.roll(n, 'description') < 0.7 THEN pg_temp.pick(l.sentences, pg_temp.roll(n, 'sentence'))
            ELSE l.sentences[1] || E'\r\n' || l.sentences[2] || ' ' || l.sentences[3] END,
       t.status,
       CASE WHEN pg_temp.roll(n, 'prioritised') > 0.03 THEN pg_temp.pick(p.priorities, pg_temp.roll(n, 'priority') ^ 2) END,
       CASE WHEN pg_temp.roll(n, 'known language') > 0.02 THEN l.name END,
       CASE WHEN pg_temp.roll(n, 'categorised') < 0.1 THEN NULL WHEN pg_temp.roll(n, 'categorised') < 0.11 THEN ''
            ELSE pg_temp.pick(s.categories, pg_temp.roll(n, 'category')) END,
       CASE WHEN pg_temp.roll(n, 'tags') < 0.45 THEN '{}'
            WHEN pg_temp.roll(n, 'tags') < 0.8 THEN ARRAY[pg_temp.pick(s.tags, pg_temp.roll(n, 'first tag'))]
            ELSE ARRAY[pg_temp.pick(s.tags, pg_temp.roll(n, 'first tag')), pg_temp.pick(s.tags, pg_temp.roll(n, 'second tag'))] END,
       CASE WHEN assigned > 0.04 THEN pg_temp.pick(p.teams, pg_temp.roll(n, 'team')) END,
       CASE WHEN assigned > CASE WHEN is_open THEN 0.15 ELSE 0.02 END THEN pg_temp.pick(p.staff, pg_temp.roll(n, 'assignee')) END,
       CASE WHEN pg_temp.roll(n, 'by staff') < 0.4 THEN pg_temp.pick(p.staff, pg_temp.roll(n, 'creator')) END,
       CASE WHEN pg_temp.roll(n, 'has contact') < 0.95 THEN contact END,
       created,
       CASE WHEN pg_temp.roll(n, 'touched') > 0.05 THEN coalesce(closed, least(created + duration, until)) END,
       CASE WHEN t.status <> 'resolved' THEN closed END,
       CASE WHEN NOT is_open THEN greatest(created, closed - 0.1 * duration) END,
       due,
       CASE WHEN due < coalesce(closed, until) THEN due END,
       CASE WHEN is_open AND pg_temp.roll(n, 'snooze') < 0.02
            THEN date_trunc('hour', until + (pg_temp.roll(n, 'snoozed until') - 0.75) * interval '90 days') END,
       CASE WHEN due < coalesce(closed, until) THEN 'breached' WHEN NOT is_open AND due IS NOT NULL THEN 'completed'
            WHEN due IS NOT NULL THEN 'on_track' END,
       CASE WHEN pg_temp.roll(n, 'deleted') < 0.005 THEN least(created + 2 * duration, until) END,
       jsonb_strip_nulls(jsonb_build_object(
           'synthetic', n,
           'location', CASE WHEN pg_temp.roll(n, 'located') < 0.6 THEN pg_temp.pick(s.locations, pg_temp.roll(n, 'location')) END,
           'channel', CASE WHEN pg_temp.roll(n, 'channelled') < 0.5 THEN pg_temp.pick(s.channels, pg_temp.roll(n, 'channel')) END,
           'order_number', CASE WHEN pg_temp.roll(n, 'ordered') < 0.2 THEN floor(pg_temp.roll(n, 'order') * 1e6)::bigint END,
           'renewal', CASE WHEN pg_temp.roll(n, 'renewed') < 0.05 THEN (until + (pg_temp.roll(n, 'renewal') - 0.5) * span)::date::text END,
           'vip', CASE WHEN pg_temp.roll(n, 'vip') < 0.03 THEN pg_temp.roll(n, 'vip') < 0.02 END))
FROM ended t JOIN seed_languages l ON l.place = t.language, seed_pool p, seed_samples s;

-- name: ticket_tasks
-- One to three tasks for a tenth of the ordinals $1 to $2; the three statements after it are like it.
INSERT INTO ticket_tasks (ticket_id, title, is_closed, deleted_at)
SELECT r.first_ticket + n - r.first_ordinal, pg_temp.pick(s.awkward || s.products, pg_temp.roll(n * 4 + k, 'task')),
       pg_temp.roll(n * 4 + k, 'done') < 0.6, CASE WHEN pg_temp.roll(n * 4 + k, 'deleted task') < 0.05 THEN r.until END
FROM seed_run r, seed_samples s, generate_series($1::bigint, $2::bigint) n, generate_series(1, 3) k
WHERE pg_temp.roll(n, 'tasks') < 0.1 AND k <= 1 + pg_temp.roll(n, 'tasks') * 30;

-- name: comments
INSERT INTO comments (ticket_id, author_id, body, creation_time)
SELECT r.first_ticket + n - r.first_ordinal,
       CASE WHEN pg_temp.roll(n * 4 + k, 'by staff') < 0.6 THEN pg_temp.pick(p.staff, pg_temp.roll(n * 4 + k, 'author')) END,
       CASE WHEN pg_temp.roll(n * 4 + k, 'odd comment') < 0.01 THEN pg_temp.pick(s.awkward, pg_temp.roll(n * 4 + k, 'body'))
            ELSE pg_temp.pick(l.sentences, pg_temp.roll(n * 4 + k, 'body')) END,
       r.until - pg_temp.roll(n * 4 + k, 'commented') * (1 - (n - r.first_ordinal) / r.ordinals::float8) * r.span
FROM seed_run r, seed_samples s, seed_pool p, generate_series($1::bigint, $2::bigint) n
JOIN seed_languages l ON l.place = floor(pg_temp.roll(n, 'language') * (SELECT count(*) FROM seed_languages)),
     generate_series(1, 3) k
WHERE pg_temp.roll(n, 'comments') < 0.12 AND k <= 1 + pg_temp.roll(n, 'comments') * 25;

-- name: attachments
INSERT INTO attachments (ticket_id, file_name, creation_time)
SELECT r.first_ticket + n - r.first_ordinal, pg_temp.pick(s.files, pg_temp.roll(n * 4 + k, 'file')),
       r.until - pg_temp.roll(n * 4 + k, 'attached') * (1 - (n - r.first_ordinal) / r.ordinals::float8) * r.span
FROM seed_run r, seed_samples s, generate_series($1::bigint, $2::bigint) n, generate_series(1, 2) k
WHERE pg_temp.roll(n, 'attachments') < 0.06 AND k <= 1 + pg_temp.roll(n, 'attachments') * 33;

-- name: followers
INSERT INTO followers (ticket_id, staff_id)
SELECT DISTINCT r.first_ticket + n - r.first_ordinal, pg_temp.pick(p.staff, pg_temp.roll(n * 4 + k, 'follower'))
FROM seed_run r, seed_pool p, generate_series($1::bigint, $2::bigint) n, generate_series(1, 2) k
WHERE pg_temp.roll(n, 'followers') < 0.08 AND k <= 1 + pg_temp.roll(n, 'followers') * 25;

-- name: change_tickets
-- One more version of the share $3 of the ordinals $1 to $2, as the host's own agents would write it: history is what
-- the triggers make of that. The same tickets first, whatever the share.
UPDATE tickets t
SET status = CASE WHEN t.status = ANY (p.open_statuses) THEN pg_temp.pick(p.open_statuses, pg_temp.roll((t.custom ->> 'synthetic')::bigint, 'new status')) ELSE t.status END,
    priority = pg_temp.pick(p.priorities, pg_temp.roll((t.custom ->> 'synthetic')::bigint, 'new priority')),
    title = CASE WHEN pg_temp.roll((t.custom ->> 'synthetic')::bigint, 'new title') < 0.2 THEN t.title || ' (2)' ELSE t.title END,
    tags = t.tags || '{changed}',
    last_modification_time = least(coalesce(t.last_modification_time, t.creation_time) + interval '1 hour', r.until)
FROM seed_run r, seed_pool p
WHERE t.id BETWEEN r.first_ticket + $1::bigint - r.first_ordinal AND r.first_ticket + $2::bigint - r.first_ordinal
  AND pg_temp.roll((t.custom ->> 'synthetic')::bigint, 'changed') < $3::float8;

-- name: delete_tickets
-- Every 501st of the run is deleted again, and with it what hangs on it.
DELETE FROM tickets t USING seed_run r
WHERE t.id BETWEEN r.first_ticket + $1::bigint - r.first_ordinal AND r.first_ticket + $2::bigint - r.first_ordinal
  AND (t.id - r.first_ticket + 1) % 501 = 0;

-- name: change_tasks
-- Some tasks are done later. $1 and $2 as above.
UPDATE ticket_tasks k SET is_closed = true FROM seed_run r
WHERE k.ticket_id BETWEEN r.first_ticket + $1::bigint - r.first_ordinal AND r.first_ticket + $2::bigint - r.first_ordinal
  AND NOT k.is_closed AND pg_temp.roll(k.ticket_id - r.first_ticket + r.first_ordinal, 'done later') < 0.1;

-- name: change_contacts
-- A fiftieth moves or marries.
UPDATE contacts c SET last_name = concat_ws('-', c.last_name, 'Neu'), email = 'new.' || c.email
FROM seed_run r
WHERE c.id BETWEEN r.first_contact AND r.first_contact + r.contacts - 1 AND pg_temp.roll(c.id - r.first_contact + r.first_ordinal, 'moved') < 0.02;

-- name: change_staff
UPDATE staff SET last_name = concat_ws('-', last_name, 'Neu')
WHERE username LIKE 'synthetic%' AND pg_temp.roll(hashtext(username), 'married') < 0.1;

-- name: change_teams
UPDATE teams SET name = name || ' *' WHERE id IN (md5('synthetic team 1')::uuid, md5('synthetic team 2')::uuid);

-- name: tables
-- Every table of the schema, histories too, to be analyzed.
SELECT string_agg(oid::regclass::text, ', ') FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p');
