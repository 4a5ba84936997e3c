-- The trigger functions that all tables share. Beside the rest, because disabling versioning replaces them.

-- BEFORE INSERT OR UPDATE: whose row version this is. A host that drops the column loses exports, never a write.
CREATE OR REPLACE FUNCTION {schema}.stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.valid_from := pg_catalog.pg_current_xact_id();
    RETURN NEW;
EXCEPTION WHEN undefined_column THEN
    RETURN NEW;
END $$;

-- BEFORE TRUNCATE: it fires no row triggers, so the rows would be lost to every export under way.
CREATE OR REPLACE FUNCTION {schema}.refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'TRUNCATE on % is refused: it is versioned for exports; use DELETE', TG_TABLE_NAME
        USING ERRCODE = 'feature_not_supported';
END $$;

REVOKE ALL ON FUNCTION {schema}.stamp(), {schema}.refuse_truncate() FROM PUBLIC;
