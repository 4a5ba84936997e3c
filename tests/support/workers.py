"""Workers with short leases, in this process, and what they do to S3."""

from collections import Counter
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from export_worker.main import Worker, running_worker
from export_worker.settings import WorkerSettings
from support.installation import Installation
from ticket_export.storage.object_store import ObjectStore

SHORT = {
    "lease_seconds": 3.0,
    "lease_renewal_seconds": 0.4,
    "lease_margin_seconds": 0.4,
    "sweep_seconds": 0.1,
    "backoff_first_seconds": 0.2,
    "backoff_longest_seconds": 0.5,
    "drain_seconds": 0.1,
}
MEBIBYTE = 1024 * 1024


def worker(installation: Installation, **more: Any) -> AbstractAsyncContextManager[Worker]:
    """Start a worker; settings as arguments."""
    return running_worker(installation.settings(WorkerSettings, **{**SHORT, **more}))


def count_part_uploads(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """Count how often each part number is stored, by any worker of this process."""
    counts: Counter[int] = Counter()
    original = ObjectStore.upload_part

    async def counted(self: ObjectStore, key: str, upload_id: str, number: int, *rest: Any) -> Any:
        part = await original(self, key, upload_id, number, *rest)
        counts[number] += 1
        return part

    monkeypatch.setattr(ObjectStore, "upload_part", counted)
    return counts
