"""The object stores that rows point to: a file is deleted in the bucket that its row names, whatever the setting is now."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from ticket_export.leases import Deadline
from ticket_export.settings import S3Settings
from ticket_export.storage.object_store import ObjectStore, open_object_store

CALL_SECONDS = 10.0


def call_deadline() -> Deadline:
    """The end of one call that begins now."""
    return Deadline.within(CALL_SECONDS)


class Buckets:
    """Opens each bucket's store once."""

    def __init__(self, settings: S3Settings, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self._stores: dict[str, ObjectStore] = {}

    @property
    def default(self) -> str:
        """The bucket that uploads are made in now."""
        return self._settings.s3_bucket

    async def store(self, bucket: str) -> ObjectStore:
        """Return the store of a bucket on the configured endpoint."""
        if bucket not in self._stores:
            settings = self._settings.model_copy(update={"s3_bucket": bucket})
            self._stores[bucket] = await self._stack.enter_async_context(open_object_store(settings))
        return self._stores[bucket]


@asynccontextmanager
async def open_buckets(settings: S3Settings) -> AsyncIterator[Buckets]:
    """Open none yet; close what was opened."""
    async with AsyncExitStack() as stack:
        yield Buckets(settings, stack)
