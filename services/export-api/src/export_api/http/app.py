"""Puts the application together: layers, errors, routes."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from fastapi import FastAPI
from starlette.middleware import Middleware

from export_api.http import health, routes_exports, routes_views
from export_api.http.body_limit import BodyLimit
from export_api.http.error_handlers import install_error_handlers
from export_api.http.openapi import DESCRIPTION, TITLE, complete_openapi
from export_api.http.request_context import RequestContext
from export_api.http.trusted_hosts import TrustedHosts
from export_api.metrics import Metrics
from export_api.resources import open_resources
from export_api.settings import ApiSettings
from export_api.staff.routes import install_staff_pages

VERSION = "1"


def create_app(settings: ApiSettings) -> FastAPI:
    """Return the application; its resources are opened when it starts and closed when it stops."""
    metrics = Metrics()
    app = FastAPI(
        title=TITLE,
        version=VERSION,
        description=DESCRIPTION,
        docs_url=None,  # the framework's page loads its script from a CDN
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(settings, metrics),
        middleware=[
            Middleware(RequestContext, metrics=metrics),
            Middleware(TrustedHosts, hosts=settings.hosts),
            Middleware(BodyLimit),
        ],
    )
    install_error_handlers(app)
    complete_openapi(app)
    for router in (routes_exports.router, routes_views.router, health.router):
        app.include_router(router)
    install_staff_pages(app, demo=settings.auth_mode == "demo")
    return app


def _lifespan(settings: ApiSettings, metrics: Metrics) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            app.state.resources = await open_resources(settings, metrics, stack)
            yield

    return lifespan
