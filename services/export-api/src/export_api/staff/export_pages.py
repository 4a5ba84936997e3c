"""``/staff/exports``: request an export, watch it, find it again."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse

from export_api.errors import InvalidRequestError
from export_api.http.cursors import read_cursor, write_cursor
from export_api.http.dependencies import ResourcesOf
from export_api.staff.access import FormViewer, ViewerOf
from export_api.staff.list_parameters import named_by_parameter, read_parameters
from export_api.staff.pages import Frame
from export_api.staff.progress_view import progress_view
from export_api.use_cases.people import find_person
from export_api.use_cases.read_exports import get_export, list_exports
from export_api.use_cases.request_export import ExportRequest, request_export

PAGE_ROWS = 20
SEE_OTHER = 303

router = APIRouter(prefix="/staff/exports")


@router.post("")
async def create(request: Request, viewer: FormViewer, resources: ResourcesOf) -> RedirectResponse:
    """Request an export of what a list shows, and go where it can be watched."""
    form = await request.form()
    wanted = read_parameters(form.multi_items(), besides=("csrf_token",))
    try:
        accepted = await request_export(resources.installation, ExportRequest(wanted.asked), viewer.origin)
    except InvalidRequestError as error:
        raise named_by_parameter(error) from error
    resources.metrics.exports_accepted.inc()
    return RedirectResponse(f"{router.prefix}/{accepted.job.id}", SEE_OTHER)


@router.get("")
async def show_list(
    request: Request,
    viewer: ViewerOf,
    resources: ResourcesOf,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> HTMLResponse:
    """List the exports that the person may see, newest first."""
    person = await find_person(resources.installation.source, viewer.session.username)
    after = read_cursor(cursor)
    page = await list_exports(resources.installation, person, status=None, after=after, limit=PAGE_ROWS)
    async with resources.installation.source.reading() as reading:
        names = await reading.names({job.requester_id for job in page.jobs})
    answer: HTMLResponse = request.app.state.pages.render(
        "exports.html",
        frame=Frame(person, viewer.session.csrf_token, "exports"),
        jobs=page.jobs,
        names=names,
        next_cursor=write_cursor(page.next),
        first_page=after is None,
    )
    return answer


@router.get("/{export_id}")
async def show(request: Request, export_id: UUID, viewer: ViewerOf, resources: ResourcesOf) -> HTMLResponse:
    """Show how one export stands."""
    return await _show(request, export_id, viewer, resources, "export.html")


@router.get("/{export_id}/progress")
async def show_progress(request: Request, export_id: UUID, viewer: ViewerOf, resources: ResourcesOf) -> HTMLResponse:
    """Answer with the part of the page that moves, for its script to put in place."""
    return await _show(request, export_id, viewer, resources, "progress.html")


async def _show(
    request: Request, export_id: UUID, viewer: ViewerOf, resources: ResourcesOf, template: str
) -> HTMLResponse:
    person = await find_person(resources.installation.source, viewer.session.username)
    job = await get_export(resources.installation, person, export_id)
    frame = Frame(person, viewer.session.csrf_token, "exports")
    page: HTMLResponse = request.app.state.pages.render(template, frame=frame, job=job, view=progress_view(job, person))
    return page
