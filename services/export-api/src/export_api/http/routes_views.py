"""``/api/v1/views``."""

from fastapi import APIRouter

from export_api.http.dependencies import Caller, ResourcesOf
from export_api.http.openapi import problems
from export_api.http.schemas import ViewAnswer, ViewList
from export_api.use_cases.list_views import list_views

router = APIRouter(prefix="/api/v1/views", tags=["views"])


@router.get("", responses=problems(403))
async def show_list(person: Caller, resources: ResourcesOf) -> ViewList:
    """List the views that you may export."""
    views = await list_views(resources.installation.source, person)
    return ViewList(items=[ViewAnswer.of(view) for view in views])
