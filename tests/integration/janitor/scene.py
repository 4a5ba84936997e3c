"""Exports in whatever state a test needs, as the janitor meets them."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from janitor.buckets import Buckets
from janitor.leadership import leading
from janitor.resources import Resources
from janitor.run import Report, run_once
from janitor.settings import JanitorSettings
from janitor.source import Source
from ticket_export.database.connection import Pool
from ticket_export.leases import Deadline, boot_time
from ticket_export.storage.object_store import Body, ObjectStore, StoredPart
from ticket_export.topics import Topics

HOUR = timedelta(hours=1)


def moment() -> Deadline:
    return Deadline(boot_time() + 20)


@dataclass(frozen=True)
class Begun:
    """A multipart upload that can be completed as long as nobody has aborted it."""

    upload_id: str
    part: StoredPart


@dataclass(frozen=True)
class Scene:
    """An installation as the janitor meets it; ``owner`` may write everything."""

    owner: Pool
    pool: Pool
    source: Source
    buckets: Buckets
    store: ObjectStore
    settings: JanitorSettings
    installed: dict[str, str]

    @property
    def topics(self) -> Topics:
        return Topics(self.settings.topic_prefix)

    def environment(self, **more: str) -> dict[str, str]:
        """What the command ``janitor`` needs to work here."""
        return {"PATH": os.environ["PATH"], **self.installed, **more}

    @asynccontextmanager
    async def resources(self, **changes: object) -> AsyncIterator[Resources]:
        """What the steps are handed, under the lease."""
        settings = self.settings.model_copy(update=changes)
        async with leading(self.pool, lease_seconds=2, patience_seconds=5, holder="test") as leadership:
            yield Resources(
                pool=self.pool,
                buckets=self.buckets,
                source=self.source,
                leadership=leadership,
                topics=self.topics,
                batch_rows=settings.batch_rows,
                orphan_grace_seconds=settings.orphan_grace_seconds,
                job_retention_days=settings.job_retention_days,
                max_job_age_seconds=settings.max_job_age_seconds,
                marker_age_seconds=settings.marker_age_seconds,
                history_batch_rows=settings.history_batch_rows,
            )

    async def run(self, **changes: object) -> Report:
        return await run_once(self.pool, self.source, self.buckets, self.settings.model_copy(update=changes))

    async def job(
        self,
        status: str,
        *,
        ended_ago: timedelta = HOUR,
        expired_ago: timedelta | None = None,
        requested_ago: timedelta = timedelta(),
        snapshot: str = "10:10:",
        snapshot_mode: str = "exact",
    ) -> UUID:
        """A job that ended a while ago; one that completed expires at ``expired_ago``, by default in an hour."""
        job_id = uuid4()
        completed = status in {"completed", "expired"}
        await self.owner.execute(
            """
            INSERT INTO jobs (id, requester_id, requester_roles, requester_permissions, requester_is_admin, view_id,
                              view_name, payload, snapshot, snapshot_mode, schema_signature, requested_at, status, stage,
                              error_code, rows_total, completed_at, expires_at)
            VALUES ($1, $1, '{}', 512, true, 'all', 'All tickets', '{}', $6, $7, 'x',
                    clock_timestamp() - $8::interval, $2,
                    CASE WHEN $2 = 'running' THEN 'exporting' END, CASE WHEN $2 = 'failed' THEN 'internal' END, 3,
                    CASE WHEN $2 NOT IN ('queued', 'running') THEN clock_timestamp() - $3::interval END,
                    CASE WHEN $4 THEN clock_timestamp() - $5::interval END)
            """,
            job_id,
            status,
            ended_ago,
            completed,
            -HOUR if expired_ago is None else expired_ago,
            snapshot,
            snapshot_mode,
            requested_ago,
        )
        return job_id

    async def file(self, job_id: UUID) -> str:
        """The object and the media record of a completed job; returns its key."""
        key = f"exports/{job_id}/{uuid4()}/tickets.csv"
        await self.put(key)
        await self.owner.execute(
            """
            INSERT INTO files (id, job_id, bucket, object_key, file_name, content_type, size_bytes, digest, part_sizes)
            VALUES ($1, $2, $3, $4, 'tickets.csv', 'text/csv', 3, 'sha256-parts:00', '{3}')
            """,
            uuid4(),
            job_id,
            self.settings.s3_bucket,
            key,
        )
        return key

    async def exported(self, *, expired_ago: timedelta) -> tuple[UUID, str]:
        job_id = await self.job("completed", ended_ago=72 * HOUR, expired_ago=expired_ago)
        return job_id, await self.file(job_id)

    async def upload(
        self,
        job_id: UUID,
        *,
        key: str | None = None,
        upload_id: str | None = None,
        begun_ago: timedelta = 3 * HOUR,
        superseded_ago: timedelta | None = None,
        lease_token: UUID | None = None,
        bucket: str | None = None,
    ) -> str:
        """A row of the ledger; returns its key."""
        key = key or f"exports/{job_id}/{uuid4()}/tickets.csv"
        await self.owner.execute(
            """
            INSERT INTO uploads (object_key, job_id, plan_token, lease_token, upload_id, bucket, created_at, superseded_at)
            VALUES ($1, $2, $3, $4, $5, $8, clock_timestamp() - $6::interval, clock_timestamp() - $7::interval)
            """,
            key,
            job_id,
            uuid4(),
            lease_token or uuid4(),
            upload_id,
            begun_ago,
            superseded_ago,
            bucket,
        )
        return key

    async def put(self, key: str, store: ObjectStore | None = None) -> None:
        body = Body()
        body.append(memoryview(b"a,b"))
        await (store or self.store).put(key, body, "text/csv", moment())

    async def begin(self, key: str) -> Begun:
        """A multipart upload with one part in it."""
        upload_id = await self.store.create_upload(key, "text/csv", moment())
        body = Body()
        body.append(memoryview(b"a part"))
        return Begun(upload_id, await self.store.upload_part(key, upload_id, 1, body, moment()))

    async def complete(self, key: str, begun: Begun) -> None:
        await self.store.complete_upload(key, begun.upload_id, [begun.part], moment())

    @staticmethod
    def moment() -> Deadline:
        """A deadline for one call of the test's own."""
        return moment()

    async def exists(self, key: str) -> bool:
        return await self.store.head(key, moment()) is not None

    async def events(self) -> list[tuple[str, dict[str, object]]]:
        """Topics and bodies of what waits in the outbox, oldest first."""
        return [(row["topic"], json.loads(row["body"])) for row in await self.owner.fetch("TABLE outbox ORDER BY id")]

    async def status(self, job_id: UUID) -> str | None:
        status: str | None = await self.owner.fetchval("SELECT status FROM jobs WHERE id = $1", job_id)
        return status

    async def count(self, table: str, condition: str = "true") -> int:
        number: int = await self.owner.fetchval(f"SELECT count(*) FROM {table} WHERE {condition}")
        return number
