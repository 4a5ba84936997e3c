"""Every statement that the worker runs on the jobs database, named, with a sentence on what it keeps."""

# Claims are made one after another: without this lock 16 workers claiming at once gave one person 16 of 16 slots.
# Whoever stands still with it is put out soon, and nobody waits long for it or for a job that somebody has locked.
SERIALISE_CLAIMS = """
SELECT set_config('idle_in_transaction_session_timeout', '3s', true), set_config('lock_timeout', '3s', true),
       pg_advisory_xact_lock(hashtext('ticket_export.claim.' || current_schema()))
"""

# The task to claim next, not locked yet. Fair: whoever has the fewest running tasks first, then the oldest request.
# $1 running jobs per person, $2 source connections of the fleet, $3 whether this worker is idle, $4 patience in seconds.
# From its third attempt a task needs a worker for itself. One that has waited for longer than $4 goes before all others:
# until a worker is idle enough for it, the busy ones choose it and leave it, so that one of them becomes idle.
CHOOSE_TASK = """
WITH leased AS (
    SELECT t.kind, j.requester_id FROM tasks t JOIN jobs j ON j.id = t.job_id
    WHERE t.status = 'leased' AND t.lease_until >= clock_timestamp()
), busy AS (
    SELECT requester_id, count(*) AS tasks FROM leased GROUP BY requester_id
), active AS (
    SELECT requester_id, count(*) AS jobs FROM jobs WHERE status = 'running' GROUP BY requester_id
)
SELECT t.id, t.job_id, t.attempt >= 2 AS alone
FROM tasks t
CROSS JOIN LATERAL (
    SELECT t.attempt >= 2
           AND greatest(t.available_at, t.lease_until) < clock_timestamp() - make_interval(secs => $4) AS waited
) AS lonely
JOIN jobs j ON j.id = t.job_id AND j.status IN ('queued', 'running')
LEFT JOIN busy ON busy.requester_id = j.requester_id
LEFT JOIN active ON active.requester_id = j.requester_id
WHERE (t.status = 'queued' OR (t.status = 'leased' AND t.lease_until < clock_timestamp()))
  AND t.available_at <= clock_timestamp()
  AND (j.status = 'running' OR coalesce(active.jobs, 0) < $1)
  AND (t.kind = 'finish' OR (SELECT count(*) FROM leased WHERE kind <> 'finish') < $2)
  AND (t.attempt < 2 OR $3 OR lonely.waited)
  AND NOT EXISTS (SELECT FROM controls WHERE name = 'pause')
ORDER BY lonely.waited DESC, coalesce(busy.tasks, 0), j.requested_at, j.id, t.kind DESC, t.number
LIMIT 1
"""

# Lease the chosen task, if it is still due; its job is locked. $2 token, $3 seconds, $4 worker.
LEASE_TASK = """
UPDATE tasks SET status = 'leased', attempt = attempt + 1, lease_token = $2,
       lease_until = clock_timestamp() + make_interval(secs => $3), worker = $4
WHERE id = $1 AND (status = 'queued' OR (status = 'leased' AND lease_until < clock_timestamp()))
RETURNING id, job_id, kind, number, plan_token, attempt, failures, lease_token, checkpoint::text AS checkpoint,
          rows_done, bytes_done
"""

# How old a job is, by the database's clock.
JOB_AGE = "SELECT extract(epoch FROM clock_timestamp() - requested_at)::float8 FROM jobs WHERE id = $1"

# Renew leases; a task that is not returned is lost. Rows are locked in one order, as by everybody who locks several.
# $1 ids, $2 tokens, $3 seconds.
RENEW_LEASES = """
WITH held AS (
    SELECT t.id FROM tasks t
    JOIN unnest($1::uuid[], $2::uuid[]) AS mine (id, lease_token) ON mine.id = t.id AND mine.lease_token = t.lease_token
    WHERE t.status = 'leased' ORDER BY t.id FOR UPDATE OF t
)
UPDATE tasks SET lease_until = clock_timestamp() + make_interval(secs => $3)
FROM held WHERE tasks.id = held.id RETURNING tasks.id
"""

# Whether a task is still ours. The job is locked by the caller, and whoever takes a task over locks its job first:
# so the answer stands until the transaction ends.
HOLD_TASK = "SELECT true FROM tasks WHERE id = $1 AND lease_token = $2 AND status = 'leased'"

# Give a task back, fenced. $3 pause in seconds, $4 what the attempt counts (1 or 0), $5 whether it is a failure.
RELEASE_TASK = """
UPDATE tasks SET status = 'queued', lease_token = NULL, lease_until = NULL, worker = NULL,
       available_at = clock_timestamp() + make_interval(secs => $3), attempt = attempt - 1 + $4,
       failures = failures + $5
WHERE id = $1 AND lease_token = $2 AND status = 'leased' RETURNING attempt
"""

# A copy task's checkpoint, fenced; attempts begin again, since it has advanced.
SAVE_CHECKPOINT = """
UPDATE tasks SET checkpoint = $3::text::jsonb, rows_done = $4, bytes_done = $5, attempt = 1, failures = 0
WHERE id = $1 AND lease_token = $2 AND status = 'leased' RETURNING true
"""

# A task is done, fenced.
FINISH_TASK = """
UPDATE tasks SET status = 'done', lease_token = NULL, lease_until = NULL, checkpoint = $3::text::jsonb,
       rows_done = $4, bytes_done = $5
WHERE id = $1 AND lease_token = $2 AND status = 'leased' RETURNING true
"""

# A new task, queued.
INSERT_TASK = """
INSERT INTO tasks (id, job_id, kind, number, plan_token) VALUES ($1, $2, $3, $4, $5)
"""

# A new task that its creator leases to itself in the same transaction: no wake-up, no other worker.
INSERT_LEASED_TASK = """
INSERT INTO tasks (id, job_id, kind, number, plan_token, status, attempt, lease_token, lease_until, worker)
VALUES ($1, $2, $3, $4, $5, 'leased', 1, $6, clock_timestamp() + make_interval(secs => $7), $8)
RETURNING id, job_id, kind, number, plan_token, attempt, failures, lease_token, checkpoint::text AS checkpoint,
          rows_done, bytes_done
"""

# The frozen plan, with the job locked; the stage becomes exporting.
STORE_PLAN = """
UPDATE jobs SET plan = $2::text::jsonb, plan_token = $3, rows_total = $4, oversized_cells = $5, stage = 'exporting',
       sequence = sequence + 1
WHERE id = $1 AND status = 'running' RETURNING true
"""

# A re-plan: what the old plan made is superseded, its tasks end.
SUPERSEDE_UPLOADS = """
UPDATE uploads SET superseded_at = clock_timestamp() WHERE job_id = $1 AND plan_token = $2 AND superseded_at IS NULL
"""

# Back to counting for a re-plan; the old plan's token no longer matches anything.
CLEAR_PLAN = """
UPDATE jobs SET plan = NULL, plan_token = NULL, stage = 'counting', sequence = sequence + 1
WHERE id = $1 AND status = 'running' AND plan_token = $2 RETURNING true
"""

# A re-plan ends what was left of the old plan's tasks, the reporter's own included.
END_PLAN_TASKS = """
WITH ending AS (
    SELECT id FROM tasks WHERE job_id = $1 AND plan_token = $2 AND status IN ('queued', 'leased') ORDER BY id FOR UPDATE
)
UPDATE tasks SET status = 'ended', lease_token = NULL, lease_until = NULL FROM ending WHERE tasks.id = ending.id
"""

# How often the job has been planned.
COUNT_PLANS = "SELECT count(*) FROM tasks WHERE job_id = $1 AND kind = 'plan'"

# The plan task that follows, with what the old plan has taught.
INSERT_REPLAN = "INSERT INTO tasks (id, job_id, kind, number, checkpoint) VALUES ($1, $2, 'plan', 0, $3::text::jsonb)"

# What was read of the live tables, with the job locked: $2 when, $3 rows, $4 cells too long for a spreadsheet.
STORE_READING = "UPDATE jobs SET read_at = $2, rows_total = $3, oversized_cells = $4 WHERE id = $1"

# How many copy tasks of the plan are still to do; the job is locked.
COPY_TASKS_LEFT = """
SELECT count(*) FROM tasks WHERE job_id = $1 AND plan_token = $2 AND kind = 'copy' AND status <> 'done'
"""

# The results of all copy tasks of a plan, in the order of the file.
COPY_RESULTS = """
SELECT checkpoint::text AS checkpoint, rows_done FROM tasks
WHERE job_id = $1 AND plan_token = $2 AND kind = 'copy' AND status = 'done' ORDER BY number
"""

# The last stage; the first statement of a finish task.
ENTER_UPLOADING = """
UPDATE jobs SET stage = 'uploading', sequence = sequence + 1
WHERE id = $1 AND status = 'running' AND plan_token = $2 AND stage = 'exporting'
"""

# Progress, at most four times a second and job however many workers report; the winner publishes.
# $2 plan token.
ADVANCE_PROGRESS = """
WITH done AS (
    SELECT coalesce(sum(rows_done), 0)::bigint AS rows_done, coalesce(sum(bytes_done), 0)::bigint AS bytes_done
    FROM tasks WHERE job_id = $1 AND plan_token = $2 AND kind = 'copy'
)
UPDATE jobs SET sequence = sequence + 1, progress_at = clock_timestamp(),
       rows_done = greatest(jobs.rows_done, least(done.rows_done, rows_total)),
       bytes_done = greatest(jobs.bytes_done, done.bytes_done)
FROM done
WHERE id = $1 AND status = 'running' AND plan_token IS NOT DISTINCT FROM $2
  AND progress_at < clock_timestamp() - interval '250 milliseconds'
RETURNING sequence, stage, jobs.rows_done, rows_total, jobs.bytes_done, client_reference
"""

# How far a copy task is between two checkpoints, fenced.
REPORT_TASK = """
UPDATE tasks SET rows_done = greatest(rows_done, $3), bytes_done = greatest(bytes_done, $4)
WHERE id = $1 AND lease_token = $2 AND status = 'leased'
"""

# The ledger entry that must be there before anything is created in S3; fenced by the task's lease.
INSERT_UPLOAD = """
INSERT INTO uploads (object_key, job_id, plan_token, lease_token, bucket)
SELECT $1, $2, $3, $4, $6 FROM tasks WHERE id = $5 AND lease_token = $4 AND status = 'leased' RETURNING true
"""

# The multipart upload's id, as soon as S3 has said it.
STORE_UPLOAD_ID = "UPDATE uploads SET upload_id = $2 WHERE object_key = $1"

# The multipart upload of a plan, in the bucket $3: where the setting has changed since, there is none to go on with.
FIND_UPLOAD = """
SELECT object_key, upload_id FROM uploads
WHERE job_id = $1 AND plan_token = $2 AND superseded_at IS NULL AND upload_id IS NOT NULL
  AND coalesce(bucket, $3) = $3
"""

# What a job that failed may have left in the bucket $2.
ABANDONED_UPLOADS = """
SELECT object_key, upload_id FROM uploads
WHERE job_id = $1 AND coalesce(bucket, $2) = $2
  AND NOT EXISTS (SELECT FROM files WHERE files.object_key = uploads.object_key)
"""

# The media record, in the transaction of completion; the bucket is the upload's own ($3 where it is not written down).
INSERT_FILE = """
INSERT INTO files (id, job_id, bucket, object_key, file_name, content_type, size_bytes, digest, part_sizes)
VALUES ($1, $2, coalesce((SELECT bucket FROM uploads WHERE object_key = $4), $3), $4, $5, $6, $7, $8, $9)
"""
