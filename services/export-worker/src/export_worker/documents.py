"""What a plan and a checkpoint say, as the JSON in which they are stored."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from ticket_export.views.compile import Key, Page, PagedStatement
from ticket_export.views.profiles import CopyOptions


class PlannedPage(BaseModel):
    """A page's bounds; the instants are PostgreSQL's own texts."""

    model_config = ConfigDict(frozen=True)

    upper: tuple[str, int] | None
    lower: tuple[str, int] | None

    def page(self) -> Page:
        """Return it as the compiler's page."""
        return Page(Key(*self.upper) if self.upper else None, Key(*self.lower) if self.lower else None)


class PlannedTask(BaseModel):
    """A copy task: its pages, and the first number of its block of parts."""

    model_config = ConfigDict(frozen=True)

    pages: tuple[PlannedPage, ...]
    first_part: int


class PlanHints(BaseModel):
    """What earlier plans of the job have taught: stored as the checkpoint of the plan task that follows them."""

    model_config = ConfigDict(frozen=True)

    force_multipart: bool = False
    one_task: bool = False
    part_bytes: int = 0

    def merged(self, other: "PlanHints") -> "PlanHints":
        """Return both lessons together."""
        return PlanHints(
            force_multipart=self.force_multipart or other.force_multipart,
            one_task=self.one_task or other.one_task,
            part_bytes=max(self.part_bytes, other.part_bytes),
        )


class Plan(BaseModel):
    """Everything that decides the bytes, frozen: the same plan gives the same parts, whoever uploads them."""

    model_config = ConfigDict(frozen=True)

    compiler_version: int
    fingerprint: str
    mode: Literal["single", "multipart"]
    part_bytes: int
    parts_per_task: int
    header: str
    head: str
    tail: str
    copy_options: CopyOptions
    profile: str
    time_zone: str = "UTC"
    rows_total: int
    oversized_cells: int = 0
    file_name: str
    content_type: str
    session: dict[str, str]
    tasks: tuple[PlannedTask, ...]
    hints: PlanHints = PlanHints()

    @property
    def statement(self) -> PagedStatement:
        """The COPY query without bounds."""
        return PagedStatement(self.head, self.tail)


class UploadedPart(BaseModel):
    """A part that S3 has: size in bytes, hashes as hex."""

    model_config = ConfigDict(frozen=True)

    number: int
    size: int
    md5: str
    sha256: str


class Checkpoint(BaseModel):
    """Where a copy task goes on: after ``parts``, in ``page`` at ``offset`` bytes, which hash to ``page_sha256``.

    ``rows`` counts the pages before ``page``.
    """

    model_config = ConfigDict(frozen=True)

    parts: tuple[UploadedPart, ...] = ()
    page: int = 0
    offset: int = 0
    page_sha256: str = ""
    rows: int = 0


class LiveReading(BaseModel):
    """What the statement on the live tables was: its instant, and what it counted."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    rows: int
    oversized_cells: int


class CopyResult(BaseModel):
    """What a finished copy task leaves for finish; ``object_key`` is set for a single PUT only.

    ``reading`` is set for rows that were not read as of the request.
    """

    model_config = ConfigDict(frozen=True)

    parts: tuple[UploadedPart, ...]
    object_key: str | None = None
    reading: LiveReading | None = None


class ClaimedTask(BaseModel):
    """A task that this worker holds; ``lease_token`` fences every write."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    job_id: UUID
    kind: Literal["plan", "copy", "finish"]
    number: int
    plan_token: UUID | None
    attempt: int
    failures: int
    lease_token: UUID
    checkpoint: str | None
    rows_done: int
    bytes_done: int
