"""Watches every write to jobs and tasks inside the database: who wrote, and whether the fence let a stale one through.

A worker's name comes with its connections (the setting ``faults.worker``), the lease's holder stands in the row.
"""

import asyncpg

from support.installation import Installation

WATCH = """
CREATE SCHEMA faults;
CREATE TABLE faults.stale_writes (at timestamptz DEFAULT clock_timestamp(), writer text, before jsonb, after jsonb);
CREATE TABLE faults.uploads (object_key text PRIMARY KEY);
CREATE TABLE faults.claims (at timestamptz DEFAULT clock_timestamp(), worker text, kind text, job_id uuid,
                            taken_over boolean);
CREATE FUNCTION faults.watch_task() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    writer text := coalesce(current_setting('faults.worker', true), '');
    claims boolean := NEW.status = 'leased' AND NEW.lease_token IS DISTINCT FROM OLD.lease_token;
    fine boolean := CASE
        WHEN writer = '' OR NEW.status = 'ended' AND OLD.status <> 'done' THEN true
        WHEN OLD.status IN ('done', 'ended') THEN false
        WHEN OLD.status = 'queued' THEN claims AND NEW.worker = writer
        WHEN claims THEN OLD.lease_until < clock_timestamp()
        ELSE OLD.worker = writer END;
BEGIN
    IF claims THEN
        INSERT INTO faults.claims (worker, kind, job_id, taken_over)
        VALUES (writer, NEW.kind, NEW.job_id, OLD.status = 'leased');
    END IF;
    IF NOT fine THEN
        INSERT INTO faults.stale_writes (writer, before, after) VALUES (writer, to_jsonb(OLD), to_jsonb(NEW));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER watch AFTER UPDATE ON exports.tasks FOR EACH ROW EXECUTE FUNCTION faults.watch_task();
CREATE FUNCTION faults.watch_job() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF OLD.status IN ('failed', 'cancelled', 'expired') OR OLD.status = 'completed' AND NEW.status <> 'expired' THEN
        INSERT INTO faults.stale_writes (writer, before, after)
        VALUES (current_setting('faults.worker', true), to_jsonb(OLD), to_jsonb(NEW));
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER watch AFTER UPDATE OF status, plan, plan_token, rows_done, bytes_done, error_code ON exports.jobs
    FOR EACH ROW EXECUTE FUNCTION faults.watch_job();
CREATE FUNCTION faults.watch_upload() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO faults.uploads VALUES (NEW.object_key);
    RETURN NULL;
END $$;
CREATE TRIGGER watch AFTER INSERT ON exports.uploads FOR EACH ROW EXECUTE FUNCTION faults.watch_upload();
"""


async def watch(installation: Installation) -> None:
    """Begin to watch."""
    connection = await installation.connect()
    try:
        await connection.execute(WATCH)
    finally:
        await connection.close()


def named(url: str, worker: str) -> str:
    """Return a database URL whose sessions say which worker they belong to."""
    return f"{url}?faults.worker={worker}"


async def stale_writes(connection: "asyncpg.Connection[asyncpg.Record]") -> list[asyncpg.Record]:
    """Return what a holder wrote whose lease was another's, or what changed after the end."""
    return await connection.fetch("SELECT * FROM faults.stale_writes")
