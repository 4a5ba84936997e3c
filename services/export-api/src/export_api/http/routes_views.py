"""``/api/v1/views``."""

from fastapi import APIRouter

from export_api.http.dependencies import Caller, ResourcesOf
from export_api.http.openapi import problems
from export_api.http.schemas import ViewAnswer, ViewList
from export_api.use_cases.list_views import list_views
from ticket_export.views.catalogue import Catalogue, describe

router = APIRouter(prefix="/api/v1/views", tags=["views"])


@router.get("/fields", responses=problems(403))
async def show_fields(_: Caller, resources: ResourcesOf) -> Catalogue:
    """List everything that a view can say here and now: columns, fields with operators and choices, sorts, limits."""
    async with resources.installation.source.reading() as reading:
        return describe(await reading.helpdesk())


@router.get("", responses=problems(403))
async def show_list(person: Caller, resources: ResourcesOf) -> ViewList:
    """List the views that you may export."""
    views = await list_views(resources.installation.source, person)
    return ViewList(items=[ViewAnswer.of(view) for view in views])
