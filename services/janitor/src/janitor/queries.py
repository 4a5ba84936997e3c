"""Every statement that only the janitor runs, each with a sentence on what it keeps."""

# Jobs whose time has come, oldest first; $1 the last one seen (expires_at, $2 its id), $3 rows.
DUE_JOBS = """
SELECT id, expires_at FROM jobs
WHERE status = 'completed' AND expires_at <= clock_timestamp() AND (expires_at, id) > ($1, $2)
ORDER BY expires_at, id LIMIT $3
"""

# Files that no job vouches for any more but that may still be in their bucket; $1 the last one seen, $2 rows.
EXPIRED_FILES = """
SELECT f.id, f.bucket, f.object_key FROM files f JOIN jobs j ON j.id = f.job_id
WHERE f.deleted_at IS NULL AND j.status = 'expired' AND f.id > $1
ORDER BY f.id LIMIT $2
"""

# The object is gone: say so, once.
MARK_FILE_DELETED = "UPDATE files SET deleted_at = clock_timestamp() WHERE id = $1 AND deleted_at IS NULL"

# Uploads that nobody can be writing to or waiting for any more; $1 the last key seen, $2 grace in seconds, $3 rows.
# A lease counts when it is the one that the upload was begun under or belongs to the same plan.
DUE_UPLOADS = """
SELECT u.object_key, u.upload_id, u.bucket,
       EXISTS (SELECT FROM files f WHERE f.object_key = u.object_key AND f.deleted_at IS NULL) AS is_file
FROM uploads u JOIN jobs j ON j.id = u.job_id,
     LATERAL (SELECT clock_timestamp() - make_interval(secs => $2) AS at) cutoff
WHERE u.object_key > $1 AND u.created_at <= cutoff.at
  AND (u.superseded_at <= cutoff.at
       OR (j.status IN ('completed', 'expired', 'failed', 'cancelled') AND j.completed_at <= cutoff.at))
  AND NOT EXISTS (SELECT FROM tasks t WHERE t.job_id = u.job_id AND t.lease_until > cutoff.at
                  AND (t.lease_token = u.lease_token OR t.plan_token = u.plan_token))
ORDER BY u.object_key LIMIT $3
"""

# Nothing of it is left in S3 but what a file row vouches for.
FORGET_UPLOAD = "DELETE FROM uploads WHERE object_key = $1"

# Delete jobs that ended long ago, with their tasks and files; $1 retention in days, $2 rows.
# One whose upload or object may still exist stays: its rows are how that would be found.
DELETE_OLD_JOBS = """
WITH old AS (
    SELECT j.id FROM jobs j
    WHERE j.status IN ('expired', 'failed', 'cancelled')
      AND j.completed_at < clock_timestamp() - make_interval(secs => $1 * 86400)
      AND NOT EXISTS (SELECT FROM uploads u WHERE u.job_id = j.id)
      AND NOT EXISTS (SELECT FROM files f WHERE f.job_id = j.id AND f.deleted_at IS NULL)
    ORDER BY j.completed_at, j.id LIMIT $2 FOR UPDATE SKIP LOCKED
)
DELETE FROM jobs WHERE id IN (SELECT id FROM old)
"""

# Unfinished jobs that are older than any may be, oldest first; $1 the greatest age in seconds, $2 rows.
OVERDUE_JOBS = """
SELECT id FROM jobs WHERE status IN ('queued', 'running')
  AND requested_at < clock_timestamp() - make_interval(secs => $1)
ORDER BY requested_at, id LIMIT $2
"""

# The least xmin of all snapshots that an unfinished job reads by; none when there is no such job.
LEAST_NEEDED_XMIN = """
SELECT pg_snapshot_xmin(snapshot::pg_snapshot)::text AS xmin FROM jobs
WHERE status IN ('queued', 'running') AND snapshot_mode = 'exact'
ORDER BY pg_snapshot_xmin(snapshot::pg_snapshot) LIMIT 1
"""

# On the source from here on; {bookkeeping} is our schema there.

# Whether the source has our schema; $1 its table of installations.
IS_VERSIONED = "SELECT to_regclass($1) IS NOT NULL"

# Make a server known that was promoted, restored or upgraded; raises when its rows are another's.
CONFIRM_IDENTITY = "SELECT {bookkeeping}.confirm_identity()"

# Record a snapshot of now, unless one is younger than $1 seconds. One from the future, by a clock that was set back
# since, is no reason not to.
STORE_MARKER = """
INSERT INTO {bookkeeping}.markers (snapshot)
SELECT pg_current_snapshot()::text WHERE NOT EXISTS (
    SELECT FROM {bookkeeping}.markers
    WHERE recorded_at BETWEEN clock_timestamp() - make_interval(secs => $1) AND clock_timestamp())
"""

# The newest marker that is at least $1 seconds old. Both times are the source's own clock's.
SETTLED_MARKER = """
SELECT id, pg_snapshot_xmin(snapshot::pg_snapshot)::text AS xmin FROM {bookkeeping}.markers
WHERE recorded_at <= clock_timestamp() - make_interval(secs => $1)
ORDER BY recorded_at DESC, id DESC LIMIT 1
"""

# Markers before $1 have served.
FORGET_MARKERS = """
DELETE FROM {bookkeeping}.markers old USING {bookkeeping}.markers kept
WHERE kept.id = $1 AND (old.recorded_at, old.id) < (kept.recorded_at, kept.id)
"""

# The histories of the schema $1 that are there.
HISTORIES = """
SELECT table_name || '_history' AS name FROM {bookkeeping}.installs
WHERE table_schema = $1 AND to_regclass(format('%I.%I', table_schema, table_name || '_history')) IS NOT NULL
ORDER BY table_name
"""

# Delete up to $2 row versions of {history} that ended before $1, and move the horizon there, in one statement: who sees
# that they are gone also sees the horizon, and refuses a snapshot that needed them. The horizon never goes back.
PRUNE_HISTORY = """
WITH gone AS (
    DELETE FROM {history} WHERE valid_to < $1::text::xid8 AND ctid = ANY (ARRAY(
        SELECT ctid FROM {history} WHERE valid_to < $1::text::xid8 ORDER BY valid_to LIMIT $2))
    RETURNING 1
), moved AS (
    UPDATE {bookkeeping}.horizon SET xid = $1::text::xid8
    WHERE xid < $1::text::xid8 AND EXISTS (SELECT FROM gone)
)
SELECT count(*) FROM gone
"""
