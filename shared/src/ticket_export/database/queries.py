"""The statements that more than one service runs on the jobs database, each with a sentence on what it keeps."""

# Lock a job for a change of state: the first statement of every such transaction, before tasks, audit and outbox.
LOCK_JOB = """
SELECT id, requester_id, view_id, view_name, payload, client_reference, snapshot, snapshot_mode, schema_signature,
       source_identity, requested_at, status, stage, plan, plan_token, rows_total, rows_done, bytes_done, sequence, started_at
FROM jobs WHERE id = $1 FOR UPDATE
"""

# queued → running, once.
START_JOB = """
UPDATE jobs SET status = 'running', stage = 'counting', started_at = clock_timestamp(), sequence = sequence + 1
WHERE id = $1 AND status = 'queued' RETURNING sequence, started_at
"""

# running → completed; $2 rows, $3 bytes, $4 life of the file.
COMPLETE_JOB = """
UPDATE jobs SET status = 'completed', stage = NULL, rows_done = $2, bytes_done = $3, sequence = sequence + 1,
       completed_at = clock_timestamp(), expires_at = clock_timestamp() + $4::interval
WHERE id = $1 AND status = 'running' RETURNING sequence, completed_at, expires_at,
       (extract(epoch FROM clock_timestamp() - requested_at) * 1000)::bigint AS duration_ms
"""

# queued or running → failed; $2 code, $3 safe message, $4 reference.
FAIL_JOB = """
UPDATE jobs SET status = 'failed', stage = NULL, error_code = $2, error_message = $3, error_reference = $4,
       completed_at = clock_timestamp(), sequence = sequence + 1
WHERE id = $1 AND status IN ('queued', 'running') RETURNING sequence,
       (extract(epoch FROM clock_timestamp() - requested_at) * 1000)::bigint AS duration_ms
"""

# queued or running → cancelled.
CANCEL_JOB = """
UPDATE jobs SET status = 'cancelled', stage = NULL, completed_at = clock_timestamp(), sequence = sequence + 1
WHERE id = $1 AND status IN ('queued', 'running') RETURNING sequence,
       (extract(epoch FROM clock_timestamp() - requested_at) * 1000)::bigint AS duration_ms
"""

# completed → expired, judged by the database's clock.
EXPIRE_JOB = """
UPDATE jobs SET status = 'expired', sequence = sequence + 1
WHERE id = $1 AND status = 'completed' AND expires_at <= clock_timestamp() RETURNING sequence
"""

# A job has ended: nobody may claim or renew what was left of it. Rows are locked in one order, as renewals lock them.
END_TASKS = """
WITH ending AS (
    SELECT id FROM tasks WHERE job_id = $1 AND status IN ('queued', 'leased') ORDER BY id FOR UPDATE
)
UPDATE tasks SET status = 'ended', lease_token = NULL, lease_until = NULL FROM ending WHERE tasks.id = ending.id
"""

# Append to the audit log.
INSERT_AUDIT = """
INSERT INTO audit_log (event_id, actor_id, action, outcome, job_id, view_id, view_name, rows_total, duration_ms,
                       client_address, request_id, details)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::text::jsonb) RETURNING at
"""

# Queue a message for Kafka.
INSERT_OUTBOX = "INSERT INTO outbox (topic, key, headers, body) VALUES ($1, $2, $3::text::jsonb, $4)"

# Shorten the relay's poll; one channel per schema.
NOTIFY_OUTBOX = "SELECT pg_notify($1 || current_schema(), '')"

# Take or keep a named lease; no row is returned while somebody else holds it. $1 name, $2 token, $3 seconds, $4 holder.
TAKE_LEASE = """
INSERT INTO leases AS l (name, lease_token, lease_until, holder)
VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3), $4)
ON CONFLICT (name) DO UPDATE SET lease_token = excluded.lease_token, lease_until = excluded.lease_until,
       holder = excluded.holder
WHERE l.lease_token = excluded.lease_token OR l.lease_until < clock_timestamp()
RETURNING lease_until
"""

# Hand a named lease back, so that the next holder need not wait.
RELEASE_LEASE = "UPDATE leases SET lease_until = clock_timestamp() WHERE name = $1 AND lease_token = $2"
