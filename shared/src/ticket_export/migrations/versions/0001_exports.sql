-- The truth about exports: jobs, their leased tasks, what was uploaded, what is to be published, who did what.
-- Runs with search_path set to the schema of the setting EXPORTS_SCHEMA, so that several installations share a database.

-- One requested export. Every change of status is a compare-and-set under this row's lock, with its audit and outbox rows.
CREATE TABLE jobs (
    id                    uuid PRIMARY KEY,
    requester_id          uuid NOT NULL,
    requester_roles       text[] NOT NULL,
    requester_permissions integer NOT NULL,
    requester_is_admin    boolean NOT NULL,
    view_id               text NOT NULL,
    view_name             text NOT NULL,
    payload               jsonb NOT NULL,
    client_reference      text,
    snapshot              text NOT NULL,
    snapshot_mode         text NOT NULL CHECK (snapshot_mode IN ('exact', 'statement')),
    schema_signature      text NOT NULL,
    requested_at          timestamptz NOT NULL,
    status                text NOT NULL DEFAULT 'queued'
                          CHECK (status IN ('queued', 'running', 'completed', 'failed', 'cancelled', 'expired')),
    stage                 text CHECK (stage IN ('counting', 'exporting', 'uploading')),
    plan                  jsonb,
    plan_token            uuid,
    rows_total            bigint,
    rows_done             bigint NOT NULL DEFAULT 0,
    bytes_done            bigint NOT NULL DEFAULT 0,
    progress_at           timestamptz NOT NULL DEFAULT '-infinity',
    -- One counter for every transition and every published progress: the event sequence and the id of server-sent events.
    sequence              bigint NOT NULL DEFAULT 1,
    error_code            text,
    error_message         text,
    error_reference       text,
    idempotency_key       text,
    request_hash          bytea,
    retry_of              uuid UNIQUE REFERENCES jobs ON DELETE SET NULL,
    started_at            timestamptz,
    completed_at          timestamptz,
    expires_at            timestamptz,
    CHECK ((status = 'running') = (stage IS NOT NULL)),
    CHECK ((status = 'failed') = (error_code IS NOT NULL)),
    CHECK ((status IN ('completed', 'expired')) = (expires_at IS NOT NULL))
);
CREATE UNIQUE INDEX jobs_idempotency ON jobs (requester_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX jobs_requester ON jobs (requester_id, requested_at DESC, id DESC);
CREATE INDEX jobs_newest ON jobs (requested_at DESC, id DESC);
CREATE INDEX jobs_unfinished ON jobs (requester_id) WHERE status IN ('queued', 'running');
CREATE INDEX jobs_expiry ON jobs (expires_at) WHERE status = 'completed';

-- What a worker claims, leased and fenced by lease_token.
CREATE TABLE tasks (
    id           uuid PRIMARY KEY,
    job_id       uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    kind         text NOT NULL CHECK (kind IN ('plan', 'copy', 'finish')),
    number       integer NOT NULL DEFAULT 0,
    plan_token   uuid,
    status       text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'leased', 'done', 'ended')),
    available_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempt      integer NOT NULL DEFAULT 0,
    -- Releases in a row, whether they counted as attempts or not: the pause grows with it.
    failures     integer NOT NULL DEFAULT 0,
    lease_token  uuid,
    lease_until  timestamptz,
    worker       text,
    checkpoint   jsonb,
    -- How far this task is; a job's progress is the sum over its plan's copy tasks.
    rows_done    bigint NOT NULL DEFAULT 0,
    bytes_done   bigint NOT NULL DEFAULT 0,
    CHECK ((status = 'leased') = (lease_token IS NOT NULL AND lease_until IS NOT NULL))
);
CREATE INDEX tasks_job ON tasks (job_id);
CREATE INDEX tasks_due ON tasks (available_at) WHERE status IN ('queued', 'leased');

-- The ledger of everything that may exist in S3; a row is committed before anything is created there.
-- Its job cannot be deleted under it: the janitor deals with the upload first.
CREATE TABLE uploads (
    object_key    text PRIMARY KEY,
    job_id        uuid NOT NULL REFERENCES jobs,
    plan_token    uuid NOT NULL,
    lease_token   uuid NOT NULL,
    upload_id     text,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    superseded_at timestamptz
);
CREATE INDEX uploads_job ON uploads (job_id);

-- What is to be published to Kafka, in this order; deleted once the broker has confirmed it.
CREATE TABLE outbox (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic      text NOT NULL,
    key        text NOT NULL,
    headers    jsonb NOT NULL,
    body       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    failed_at  timestamptz,
    failure    text
);
CREATE INDEX outbox_pending ON outbox (id) WHERE failed_at IS NULL;

-- Leadership of the relay and of the janitor.
CREATE TABLE leases (
    name        text PRIMARY KEY,
    lease_token uuid NOT NULL,
    lease_until timestamptz NOT NULL,
    holder      text NOT NULL
);

-- Switches for operators: the row 'pause' stops claiming everywhere.
CREATE TABLE controls (
    name       text PRIMARY KEY,
    value      jsonb NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The media record of a finished export.
CREATE TABLE files (
    id           uuid PRIMARY KEY,
    job_id       uuid NOT NULL UNIQUE REFERENCES jobs ON DELETE CASCADE,
    category     text NOT NULL DEFAULT 'ticket_export',
    bucket       text NOT NULL,
    object_key   text NOT NULL UNIQUE,
    file_name    text NOT NULL,
    content_type text NOT NULL,
    size_bytes   bigint NOT NULL,
    digest       text NOT NULL,
    part_sizes   bigint[] NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    deleted_at   timestamptz
);

-- Who did what, when, with what outcome. job_id has no foreign key: the audit outlives the job.
CREATE TABLE audit_log (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id       uuid NOT NULL UNIQUE,
    at             timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor_id       uuid,
    action         text NOT NULL,
    outcome        text NOT NULL CHECK (outcome IN ('success', 'failure', 'denied')),
    job_id         uuid,
    view_id        text,
    view_name      text,
    rows_total     bigint,
    duration_ms    bigint,
    client_address text,
    request_id     text,
    details        jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_log_job ON audit_log (job_id);
CREATE INDEX audit_log_actor ON audit_log (actor_id, id DESC);

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_has_role(current_user, 'ticket_export_retention', 'USAGE') THEN
        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'audit_log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

-- What each role may do. app: the API, its relay and the workers; retention: the janitor.
GRANT USAGE ON SCHEMA {schema} TO ticket_export_app, ticket_export_retention;
GRANT SELECT, INSERT, UPDATE ON jobs, tasks, uploads, leases TO ticket_export_app;
GRANT DELETE ON uploads, outbox TO ticket_export_app;
GRANT SELECT, INSERT, UPDATE ON outbox, files TO ticket_export_app;
GRANT SELECT, INSERT ON audit_log TO ticket_export_app;
GRANT SELECT ON controls TO ticket_export_app;
GRANT SELECT, UPDATE, DELETE ON jobs, tasks, uploads, files, audit_log TO ticket_export_retention;
GRANT SELECT, INSERT ON outbox TO ticket_export_retention;
GRANT SELECT, INSERT, UPDATE ON leases TO ticket_export_retention;
GRANT INSERT ON audit_log TO ticket_export_retention;
GRANT SELECT ON controls TO ticket_export_retention;
