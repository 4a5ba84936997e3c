"""The staff pages; the first thing to see is the list of tickets."""

from fastapi import APIRouter, FastAPI
from starlette.responses import RedirectResponse

from export_api.staff import export_pages, sign_in, ticket_pages
from export_api.staff.access import SignInNeededError, on_sign_in_needed
from export_api.staff.pages import STATIC_PATH, Pages
from export_api.staff.static_files import KeptFiles

router = APIRouter()


@router.get("/")
async def home() -> RedirectResponse:
    """Go to the tickets."""
    return RedirectResponse(sign_in.HOME, sign_in.SEE_OTHER)


def install_staff_pages(app: FastAPI, *, demo: bool) -> None:
    """Add the pages, their files and the way to the sign-in page."""
    app.state.pages = Pages(demo=demo)
    app.add_exception_handler(SignInNeededError, on_sign_in_needed)
    for part in (router, sign_in.router, ticket_pages.router, export_pages.router):
        app.include_router(part, include_in_schema=False)
    app.mount(STATIC_PATH, KeptFiles())
