"""Second step: clear from S3 what was begun and never became a file.

Works from the rows of ``uploads`` only, never from a listing of the bucket nor by the age of an object: a row is
committed before anything is created in S3, and deleted after everything of it is gone.
"""

from dataclasses import dataclass

from janitor import queries
from janitor.buckets import call_deadline
from janitor.resources import Resources
from janitor.tally import Tally
from ticket_export.database.connection import ACQUIRE_TIMEOUT_SECONDS
from ticket_export.failpoints import failpoint


@dataclass(frozen=True, slots=True)
class DueUpload:
    """A key under which something may exist; ``is_file`` when a file row vouches for its object.

    ``bucket`` is None in rows from before it was written down: then it is the setting's.
    """

    object_key: str
    upload_id: str | None
    bucket: str | None
    is_file: bool


async def clear_uploads(resources: Resources) -> Tally:
    """Abort and delete what is behind every row that is due, then delete the row."""
    tally = Tally("clear_uploads")
    after = ""
    while True:
        uploads = await _due_uploads(resources, after)
        await failpoint("janitor.uploads_chosen")
        for upload in uploads:
            after = upload.object_key
            with tally.item(object_key=upload.object_key):
                await _clear(resources, upload)
                await failpoint("janitor.upload_cleared")
                tally.done += await _forget(resources, upload)
            if tally.impatient:
                return tally
        if len(uploads) < resources.batch_rows:
            return tally


async def _due_uploads(resources: Resources, after: str) -> list[DueUpload]:
    async with resources.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
        rows = await connection.fetch(queries.DUE_UPLOADS, after, resources.orphan_grace_seconds, resources.batch_rows)
    return [DueUpload(**row) for row in rows]


async def _clear(resources: Resources, upload: DueUpload) -> None:
    store = await resources.buckets.store(upload.bucket or resources.buckets.default)
    await resources.leadership.keep()
    begun = set(await store.list_uploads(upload.object_key, call_deadline()))
    # The listing is the server's word, the stored id is ours; either may know more.
    if upload.upload_id is not None:
        begun.add(upload.upload_id)
    for upload_id in sorted(begun):
        await resources.leadership.keep()
        await store.abort_upload(upload.object_key, upload_id, call_deadline())
    if not upload.is_file:
        await resources.leadership.keep()
        await store.delete(upload.object_key, call_deadline())


async def _forget(resources: Resources, upload: DueUpload) -> bool:
    async with resources.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
        answer: str = await connection.execute(queries.FORGET_UPLOAD, upload.object_key)
    return answer == "DELETE 1"
