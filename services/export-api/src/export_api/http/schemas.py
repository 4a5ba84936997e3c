"""The shapes of what comes in and goes out over REST; fields are added, never renamed."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field

from export_api.queries.jobs import Job
from export_api.use_cases.cancel_export import may_cancel
from export_api.use_cases.estimate_export import Estimate
from export_api.use_cases.list_views import ListedView
from export_api.use_cases.read_exports import may_fetch
from export_api.use_cases.resolve_view import AskedView
from export_api.use_cases.retry_export import may_retry
from ticket_export.jobs import JobStatus, Stage
from ticket_export.permissions import Person
from ticket_export.views.payload import Name, ViewDefinition
from ticket_export.views.profiles import Delimiter, ProfileName
from ticket_export.views.resolve import Presentation

# Neither control characters nor NUL, which PostgreSQL's text cannot hold.
ShortText = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


class ExportBody(ViewDefinition):
    """A request for an export: `view_id` or `view`, and what is laid on top of it.

    `columns`, `sort`, `scope` and `search` replace the view's own, `filters` must hold as well, and each of
    `quick_filters` replaces the view's own of that name. `GET /api/v1/views/fields` lists what can be named.
    """

    view_id: Annotated[ShortText | None, Field(description="A built-in view's name, or a saved view's id.")] = None
    view: Annotated[ViewDefinition | None, Field(description="A whole view, instead of `view_id`.")] = None
    time_zone: Annotated[Name, Field(description="IANA name; for relative dates, and for times in a spreadsheet.")] = (
        "UTC"
    )
    profile: Annotated[ProfileName, Field(description="For people with a spreadsheet, or for programs.")] = (
        "spreadsheet"
    )
    delimiter: Delimiter = ","
    client_reference: Annotated[ShortText | None, Field(description="Yours; comes back in answers and events.")] = None

    @property
    def asked(self) -> AskedView:
        """The view, and what is laid on top of it."""
        on_top = ViewDefinition(**{name: getattr(self, name) for name in ViewDefinition.model_fields})
        presentation = Presentation(self.time_zone, self.profile, self.delimiter)
        return AskedView(self.view_id, self.view, on_top, presentation)


class ViewReference(BaseModel):
    """The view that was asked for, under the name that it had then."""

    id: str
    name: str


class Requester(BaseModel):
    """Who asked."""

    id: UUID


class Progress(BaseModel):
    """How far the job is; no figure ever falls."""

    rows_done: int
    rows_total: int | None
    bytes_done: int
    percent: float


class JobError(BaseModel):
    """Why the job failed."""

    code: str
    message: str
    reference: str


class ExportFile(BaseModel):
    """The finished file; `digest` is `sha256-parts:` and the SHA-256 over the SHA-256s of its `parts`."""

    name: str
    size_bytes: int
    digest: str
    content_type: str
    expires_at: datetime


class Warned(BaseModel):
    """Something to know before the file is opened: so many cells or rows do not fit into a spreadsheet."""

    code: Literal["oversized_cells", "too_many_rows"]
    count: int
    message: str


class Allowed(BaseModel):
    """What the caller may do with this job now."""

    download: bool
    cancel: bool
    retry: bool


class ExportAnswer(BaseModel):
    """One export."""

    id: UUID
    status: JobStatus
    stage: Stage | None
    view: ViewReference
    requester: Requester
    client_reference: str | None
    requested_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    snapshot: str
    snapshot_mode: Annotated[
        Literal["exact", "statement"], Field(description="`exact`: as of `requested_at`. `statement`: as of `read_at`.")
    ]
    read_at: Annotated[datetime | None, Field(description="With `statement`, once its rows are read.")]
    sequence: int
    retry_of: Annotated[UUID | None, Field(description="The export that this one retries.")]
    retried_by: Annotated[UUID | None, Field(description="The export that retries this one.")]
    progress: Progress
    eta_seconds: int | None
    error: JobError | None
    file: ExportFile | None
    parts: Annotated[list[int], Field(description="Sizes of the file's parts in bytes, in order.")]
    warnings: Annotated[list[Warned], Field(description="For the spreadsheet profile, once the rows are counted.")]
    may: Allowed

    @classmethod
    def of(cls, job: Job, person: Person) -> Self:
        """Tell this person of the job."""
        answer: dict[str, Any] = {
            "id": job.id,
            "status": job.status,
            "stage": job.stage,
            "view": {"id": job.view_id, "name": job.view_name},
            "requester": {"id": job.requester_id},
            "client_reference": job.client_reference,
            "requested_at": job.requested_at,
            "started_at": job.started_at,
            "completed_at": job.completed_at,
            "snapshot": job.snapshot,
            "snapshot_mode": job.snapshot_mode,
            "read_at": job.read_at,
            "sequence": job.sequence,
            "retry_of": job.retry_of,
            "retried_by": job.retried_by,
            "progress": _progress(job),
            "eta_seconds": job.eta_seconds,
            "error": _error(job),
            "file": _file(job),
            "parts": job.file.part_sizes if job.file else (),
            "warnings": [asdict(warning) for warning in job.warnings],
            "may": {
                "download": may_fetch(person, job),
                "cancel": may_cancel(person, job),
                "retry": may_retry(person, job),
            },
        }
        return cls.model_validate(answer)


class EstimateAnswer(BaseModel):
    """How big an export would be: `rows` are counted, the rest is a guess."""

    rows: int
    bytes: int
    seconds: int
    warnings: list[Warned]

    @classmethod
    def of(cls, estimate: Estimate) -> Self:
        """Tell of the estimate."""
        warnings = [Warned(**asdict(warning)) for warning in estimate.warnings]
        return cls(rows=estimate.rows, bytes=estimate.size_bytes, seconds=estimate.seconds, warnings=warnings)


class ExportPage(BaseModel):
    """Exports, newest first; hand `next_cursor` back as `cursor` for the following page."""

    items: list[ExportAnswer]
    next_cursor: str | None


class ViewAnswer(BaseModel):
    """A view that the caller may export by its `id`."""

    id: str
    name: str
    built_in: bool
    private: bool

    @classmethod
    def of(cls, view: ListedView) -> Self:
        """Tell of the view."""
        return cls(id=view.id, name=view.name, built_in=view.built_in, private=view.private)


class ViewList(BaseModel):
    """The views that the caller may export."""

    items: list[ViewAnswer]


def _progress(job: Job) -> dict[str, Any]:
    return {
        "rows_done": job.rows_done,
        "rows_total": job.rows_total,
        "bytes_done": job.bytes_done,
        "percent": job.percent,
    }


def _error(job: Job) -> dict[str, Any] | None:
    if job.error_code is None:
        return None
    return {"code": job.error_code, "message": job.error_message, "reference": job.error_reference}


def _file(job: Job) -> dict[str, Any] | None:
    if job.file is None:
        return None
    return {
        "name": job.file.name,
        "size_bytes": job.file.size_bytes,
        "digest": job.file.digest,
        "content_type": job.file.content_type,
        "expires_at": job.expires_at,
    }
