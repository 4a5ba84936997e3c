"""Liveness, readiness and metrics. Readiness needs the database only: without Kafka, requests are accepted and wait."""

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response

from export_api.http.dependencies import ResourcesOf
from export_api.use_cases.readiness import check_ready

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def healthz() -> JSONResponse:
    """Tell that the process answers."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz")
async def readyz(resources: ResourcesOf) -> JSONResponse:
    """Tell whether requests can be served; a problem with 503 when not."""
    await check_ready(resources.installation)
    return JSONResponse({"status": "ready"})


@router.get("/metrics")
async def metrics(resources: ResourcesOf) -> Response:
    """Answer in Prometheus' format."""
    return Response(generate_latest(resources.metrics.registry), media_type=CONTENT_TYPE_LATEST)
