-- What versioning keeps about itself on the source, beside the helpdesk's schema and never in it.
-- Run whenever this file has changed, so everything here may already exist; {schema} is the quoted name of this schema.

-- Which tables are versioned and since which transaction: a snapshot that doesn't see it is too old for the table.
CREATE TABLE IF NOT EXISTS {schema}.installs (
    table_schema  text NOT NULL,
    table_name    text NOT NULL,
    installed_xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
    installed_at  timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    columns       text[] NOT NULL,
    PRIMARY KEY (table_schema, table_name)
);

-- When an operator switched the table's versioning off; its history has a gap from then on.
ALTER TABLE {schema}.installs ADD COLUMN IF NOT EXISTS disabled_at timestamptz;

-- History that ended before this transaction may have been deleted. Changed in the transaction that deletes.
CREATE TABLE IF NOT EXISTS {schema}.horizon (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    xid      xid8 NOT NULL
);
INSERT INTO {schema}.horizon (xid) VALUES ('3') ON CONFLICT DO NOTHING;

-- Snapshots of the past: only what is older than one of them may be pruned.
CREATE TABLE IF NOT EXISTS {schema}.markers (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    snapshot    text NOT NULL DEFAULT pg_catalog.pg_current_snapshot()::text,
    recorded_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);

-- Which cluster and timeline this server is. By the name of the log's current file: the control file tells of a
-- promotion only after the next checkpoint, minutes later. A standby's timeline is NULL.
CREATE OR REPLACE FUNCTION {schema}.cluster(OUT system_identifier bigint, OUT timeline_id integer)
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.system_identifier, CASE WHEN NOT pg_is_in_recovery()
        THEN ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer END
    FROM pg_control_system() s
$$;

-- Which cluster and timeline the stored transaction ids belong to.
CREATE TABLE IF NOT EXISTS {schema}.identity (
    only_row          boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    system_identifier bigint NOT NULL,
    timeline_id       integer NOT NULL,
    recorded_at       timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
-- Raised by a rebase, which makes every earlier snapshot void.
ALTER TABLE {schema}.identity ADD COLUMN IF NOT EXISTS epoch bigint NOT NULL DEFAULT 1;
INSERT INTO {schema}.identity (system_identifier, timeline_id)
SELECT c.system_identifier, c.timeline_id FROM {schema}.cluster() c ON CONFLICT DO NOTHING;

-- Row versions that could not be kept because the host had changed its table; no key, so that writers never meet here.
CREATE TABLE IF NOT EXISTS {schema}.gaps (
    table_schema text NOT NULL,
    table_name   text NOT NULL,
    error        text NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);

-- Tables whose history cannot be trusted, with the reason in words. Empty when all is well.
CREATE OR REPLACE VIEW {schema}.unversioned AS
SELECT i.table_schema, i.table_name, fault.reason
FROM {schema}.installs i
CROSS JOIN LATERAL (SELECT
    (SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = i.table_schema AND c.relname = i.table_name) AS live,
    (SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = i.table_schema AND c.relname = i.table_name || '_history') AS history
) relation
CROSS JOIN LATERAL (
    SELECT 'versioning is disabled' AS reason WHERE i.disabled_at IS NOT NULL
    UNION ALL
    SELECT 'the table is gone' WHERE relation.live IS NULL
    UNION ALL
    SELECT 'its history is gone' WHERE relation.history IS NULL
    UNION ALL
    SELECT 'the host has taken away ' || pg_catalog.string_agg(wanted.name, ', ' ORDER BY wanted.name)
    FROM pg_catalog.unnest(i.columns || 'valid_from'::text) wanted (name)
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = relation.live AND a.attnum > 0
                      AND a.attname = wanted.name AND NOT a.attisdropped)
    HAVING pg_catalog.count(*) > 0
    UNION ALL
    -- A partition gets the row triggers from its parent; a TRUNCATE of one shows in signature().
    SELECT 'its trigger ' || wanted.name || ' is missing or not enabled ALWAYS'
    FROM (VALUES ('zz_stamp', true), ('zz_hist', true), ('zz_trunc', false)) wanted (name, on_partitions)
    WHERE relation.live IS NOT NULL AND EXISTS (
        SELECT FROM (SELECT relation.live AS relid
                     UNION SELECT p.relid FROM pg_catalog.pg_partition_tree(relation.live) p
                     WHERE wanted.on_partitions AND p.isleaf) part
        WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = part.relid
                          AND t.tgname = wanted.name AND t.tgenabled = 'A'))
    UNION ALL
    SELECT 'a change was not recorded: ' || pg_catalog.min(g.error) FROM {schema}.gaps g
    WHERE g.table_schema = i.table_schema AND g.table_name = i.table_name HAVING pg_catalog.count(*) > 0
) fault;

-- What a snapshot's transaction ids mean anything on: an export whose text differs from that of its request fails.
CREATE OR REPLACE FUNCTION {schema}.source_identity() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT concat_ws('/', c.system_identifier, c.timeline_id, i.epoch) FROM {schema}.cluster() c, {schema}.identity i
$$;

-- True when this server is the one whose transaction ids are stored. Otherwise it raises: TX004 it was restored,
-- promoted or moved since, TX005 it is a standby, whose snapshots list no running transactions.
CREATE OR REPLACE FUNCTION {schema}.assert_identity() RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION 'this server is a standby' USING ERRCODE = 'TX005';
    END IF;
    IF NOT EXISTS (SELECT FROM {schema}.identity i, {schema}.cluster() c
                   WHERE (i.system_identifier, i.timeline_id) = (c.system_identifier, c.timeline_id)) THEN
        RAISE EXCEPTION 'this server was restored, promoted or moved' USING ERRCODE = 'TX004';
    END IF;
    RETURN true;
END $$;

-- Makes this server's identity the stored one if the stored transaction ids are of its past: after a promotion, a
-- physical restore, a pg_upgrade. Whoever reads may ask for it, since it only ever writes what is true. Raises TX004
-- when some are not: rows that were copied from another cluster would come and go as this one's ids pass theirs.
CREATE OR REPLACE FUNCTION {schema}.confirm_identity() RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    live record;
    relation record;
    foreign_ids boolean;
BEGIN
    IF pg_is_in_recovery() THEN
        RAISE EXCEPTION 'this server is a standby' USING ERRCODE = 'TX005';
    END IF;
    SELECT * INTO live FROM {schema}.cluster();
    -- Locked, so that of many who ask at once one looks through the tables.
    PERFORM FROM {schema}.identity i FOR UPDATE;
    IF EXISTS (SELECT FROM {schema}.identity i
               WHERE (i.system_identifier, i.timeline_id) = (live.system_identifier, live.timeline_id)) THEN
        RETURN true;
    END IF;
    foreign_ids := EXISTS (SELECT FROM {schema}.horizon h WHERE h.xid > pg_snapshot_xmin(pg_current_snapshot()))
        OR EXISTS (SELECT FROM {schema}.installs i
                   WHERE NOT pg_visible_in_snapshot(i.installed_xid, pg_current_snapshot()));
    -- What is broken is refused anyway, and begins anew when it is mended.
    FOR relation IN SELECT i.table_schema AS schema, i.table_name AS name FROM {schema}.installs i
        WHERE NOT EXISTS (SELECT FROM {schema}.unversioned u
                          WHERE (u.table_schema, u.table_name) = (i.table_schema, i.table_name))
    LOOP
        EXIT WHEN foreign_ids;
        -- Rows that a statement sees were written by transactions that its snapshot sees.
        EXECUTE format($query$
            SELECT EXISTS (SELECT FROM %1$I.%2$I
                           WHERE valid_from >= (SELECT pg_snapshot_xmin(pg_current_snapshot()))
                             AND NOT pg_visible_in_snapshot(valid_from, pg_current_snapshot()))
                OR EXISTS (SELECT FROM %1$I.%3$I
                           WHERE valid_to >= (SELECT pg_snapshot_xmin(pg_current_snapshot()))
                             AND NOT pg_visible_in_snapshot(valid_to, pg_current_snapshot()))
        $query$, relation.schema, relation.name, relation.name || '_history') INTO foreign_ids;
    END LOOP;
    IF foreign_ids THEN
        RAISE EXCEPTION 'the tables hold transaction ids of another cluster' USING ERRCODE = 'TX004',
            HINT = 'ticket-export source rebase';
    END IF;
    UPDATE {schema}.identity SET system_identifier = live.system_identifier, timeline_id = live.timeline_id,
        recorded_at = clock_timestamp();
    RETURN true;
END $$;

-- True when reading as of the snapshot gives what was there; every statement carries it, so that it is judged by the
-- same snapshot as the rows. "tables" limits the question to some tables. Otherwise it raises, under a code of its own:
-- TX001 history already pruned, TX002 not versioned yet at the snapshot, TX003 versioning is broken, and those of
-- assert_identity().
CREATE OR REPLACE FUNCTION {schema}.assert_safe(snapshot text, tables text[] DEFAULT NULL) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    as_of CONSTANT pg_snapshot := assert_safe.snapshot::pg_snapshot;
    fault text;
BEGIN
    PERFORM {schema}.assert_identity();
    -- A disk that was set back keeps its identity; the ids that it has not reached again tell.
    IF pg_snapshot_xmax(as_of) > pg_snapshot_xmax(pg_current_snapshot()) THEN
        RAISE EXCEPTION 'this server was set back to before this snapshot' USING ERRCODE = 'TX004';
    END IF;
    IF NOT coalesce((SELECT h.xid <= pg_snapshot_xmin(as_of) FROM {schema}.horizon h), false) THEN
        RAISE EXCEPTION 'the history that this snapshot needs has been pruned' USING ERRCODE = 'TX001';
    END IF;
    SELECT string_agg(name, ', ' ORDER BY name) INTO fault FROM (
        SELECT i.table_name AS name FROM {schema}.installs i
        WHERE NOT pg_visible_in_snapshot(i.installed_xid, as_of) AND (tables IS NULL OR i.table_name = ANY (tables))
        UNION
        SELECT asked.name FROM unnest(tables) asked (name)
        WHERE NOT EXISTS (SELECT FROM {schema}.installs i WHERE i.table_name = asked.name)) young;
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION 'not versioned at the time of this snapshot: %', fault USING ERRCODE = 'TX002';
    END IF;
    SELECT string_agg(u.table_name || ' (' || u.reason || ')', ', ' ORDER BY u.table_name, u.reason) INTO fault
    FROM {schema}.unversioned u WHERE tables IS NULL OR u.table_name = ANY (tables);
    IF fault IS NOT NULL THEN
        RAISE EXCEPTION 'versioning is broken: %', fault USING ERRCODE = 'TX003';
    END IF;
    RETURN true;
END $$;

-- A text that changes when the meaning or the storage of a versioned column may have changed under a running job.
-- Columns that are not the contract's don't matter.
CREATE OR REPLACE FUNCTION {schema}.signature() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    WITH relation AS (
        SELECT i.columns, c.oid, c.relfilenode, format('%I.%I', i.table_schema, c.relname) AS name
        FROM {schema}.installs i
        JOIN pg_namespace n ON n.nspname = i.table_schema
        JOIN pg_class c ON c.relnamespace = n.oid AND c.relname IN (i.table_name, i.table_name || '_history')
    ), fact AS (
        SELECT format('%s file %s', r.name, r.relfilenode) AS line FROM relation r
        UNION ALL
        SELECT format('%s partition %s file %s', r.name, p.relid::oid, c.relfilenode)
        FROM relation r, pg_partition_tree(r.oid) p JOIN pg_class c ON c.oid = p.relid
        UNION ALL
        SELECT format('%s column %s %s %s', r.name, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod))
        FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE a.attname = ANY (r.columns || '{valid_from,valid_to}'::text[])
    )
    SELECT encode(sha256(convert_to(coalesce(string_agg(line, E'\n' ORDER BY line COLLATE "C"), ''), 'UTF8')), 'hex')
    FROM fact
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {schema} FROM PUBLIC;
GRANT USAGE ON SCHEMA {schema} TO ticket_export_source_reader, ticket_export_source_pruner;
GRANT SELECT ON {schema}.installs, {schema}.horizon, {schema}.markers, {schema}.identity, {schema}.gaps,
    {schema}.unversioned TO ticket_export_source_reader, ticket_export_source_pruner;
GRANT EXECUTE ON FUNCTION {schema}.assert_safe(text, text[]), {schema}.signature(), {schema}.source_identity()
    TO ticket_export_source_reader;
GRANT EXECUTE ON FUNCTION {schema}.cluster(), {schema}.assert_identity(), {schema}.confirm_identity()
    TO ticket_export_source_reader, ticket_export_source_pruner;
GRANT UPDATE (xid) ON {schema}.horizon TO ticket_export_source_pruner;
GRANT INSERT, DELETE ON {schema}.markers TO ticket_export_source_pruner;
