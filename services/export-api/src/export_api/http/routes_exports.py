"""``/api/v1/exports``: request, list, look, download."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response, status
from starlette.responses import RedirectResponse

from export_api.http.bodies import export_body, export_request
from export_api.http.cursors import read_cursor, write_cursor
from export_api.http.dependencies import ByToken, ByTokenOrSession, Caller, ResourcesOf
from export_api.http.openapi import EXPORT_BODY, problems
from export_api.http.schemas import EstimateAnswer, ExportAnswer, ExportBody, ExportPage
from export_api.use_cases.cancel_export import cancel_export
from export_api.use_cases.estimate_export import estimate_export
from export_api.use_cases.issue_download import issue_download
from export_api.use_cases.read_exports import get_export, list_exports
from export_api.use_cases.request_export import ExportRequest, request_export
from export_api.use_cases.retry_export import retry_export
from ticket_export.jobs import JobStatus

router = APIRouter(prefix="/api/v1/exports", tags=["exports"])


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(403, 404, 413, 415, 422, 429),
    openapi_extra=EXPORT_BODY,
)
async def create(
    origin: ByToken, wanted: Annotated[ExportRequest, Depends(export_request)], resources: ResourcesOf, answer: Response
) -> ExportAnswer:
    """Request an export of a view as of now; `Location` tells where to look for it."""
    accepted = await request_export(resources.installation, wanted, origin)
    if accepted.new:
        resources.metrics.exports_accepted.inc()
    answer.headers["Location"] = f"{router.prefix}/{accepted.job.id}"
    return ExportAnswer.of(accepted.job, accepted.requester)


@router.post("/estimate", responses=problems(403, 404, 413, 415, 422), openapi_extra=EXPORT_BODY)
async def estimate(
    origin: ByToken, body: Annotated[ExportBody, Depends(export_body)], resources: ResourcesOf
) -> EstimateAnswer:
    """Count what an export would have now and guess its size; takes the same body and stores nothing."""
    return EstimateAnswer.of(await estimate_export(resources.installation.source, body.asked, username=origin.subject))


@router.get("", responses=problems(403, 422))
async def show_list(
    person: Caller,
    resources: ResourcesOf,
    status: JobStatus | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> ExportPage:
    """List your own exports, and everyone's if you may download, newest first."""
    after = read_cursor(cursor)
    page = await list_exports(resources.installation, person, status=status, after=after, limit=limit)
    return ExportPage(items=[ExportAnswer.of(job, person) for job in page.jobs], next_cursor=write_cursor(page.next))


@router.get("/{export_id}", responses=problems(403, 404))
async def show(export_id: UUID, person: Caller, resources: ResourcesOf) -> ExportAnswer:
    """Tell how an export stands."""
    return ExportAnswer.of(await get_export(resources.installation, person, export_id), person)


@router.post("/{export_id}/cancel", status_code=status.HTTP_202_ACCEPTED, responses=problems(403, 404, 409))
async def cancel(export_id: UUID, origin: ByToken, person: Caller, resources: ResourcesOf) -> ExportAnswer:
    """Stop a queued or running export; cancelling it again changes nothing."""
    return ExportAnswer.of(await cancel_export(resources.installation, person, export_id, origin), person)


@router.post("/{export_id}/retry", status_code=status.HTTP_202_ACCEPTED, responses=problems(403, 404, 409, 429))
async def retry(
    export_id: UUID, origin: ByToken, person: Caller, resources: ResourcesOf, answer: Response
) -> ExportAnswer:
    """Export the same view again, as of now, in a new job; a second press answers the same job.

    "My tickets" stay those of the person who asked first.
    """
    accepted = await retry_export(resources.installation, person, export_id, origin)
    if accepted.new:
        resources.metrics.exports_accepted.inc()
    answer.headers["Location"] = f"{router.prefix}/{accepted.job.id}"
    return ExportAnswer.of(accepted.job, accepted.requester)


@router.get(
    "/{export_id}/download",
    status_code=status.HTTP_303_SEE_OTHER,
    response_class=RedirectResponse,
    responses=problems(403, 404, 409, 410),
)
async def download(export_id: UUID, origin: ByTokenOrSession, resources: ResourcesOf) -> RedirectResponse:
    """Redirect to a link that lives for a minute at most; takes a bearer token or the browser's session."""
    link = await issue_download(resources.installation, resources.links, export_id, origin)
    resources.metrics.links_issued.inc()
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return RedirectResponse(link, status.HTTP_303_SEE_OTHER, headers)
