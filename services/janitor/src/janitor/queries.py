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
SELECT u.object_key, u.upload_id,
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
