"""POST …/cancel: immediate, for good, once; by whoever may see the job."""

import asyncio
from uuid import uuid4

import pytest

from integration.export_api.running_api import Api
from local_stack.demo.people import ADA, CARA, DemoPerson


@pytest.mark.parametrize("presser", [CARA, ADA])
async def test_a_queued_export_is_cancelled_at_once(api: Api, presser: DemoPerson) -> None:
    job_id = await api.new_job("cara")

    answer = await api.call("POST", f"/api/v1/exports/{job_id}/cancel", user=presser.username)

    assert (answer.status, answer.json["status"], answer.json["may"]["cancel"]) == (202, "cancelled", False)
    assert await api.database.fetchval("SELECT array_agg(status) FROM tasks WHERE job_id = $1", job_id) == ["ended"]
    [audited] = await api.audited("cancelled")
    assert (audited["actor_id"], audited["job_id"], audited["outcome"]) == (presser.id, job_id, "success")
    kinds = await api.database.fetch("SELECT headers ->> 'ce_type' AS kind FROM outbox WHERE key = $1", str(job_id))
    assert [row["kind"] for row in kinds if "Cancelled" in row["kind"]]


async def test_cancelling_again_changes_nothing(api: Api) -> None:
    job_id = await api.new_job("cara")
    path = f"/api/v1/exports/{job_id}/cancel"

    answers = await asyncio.gather(*(api.call("POST", path, user="cara") for _ in range(5)))

    assert {answer.status for answer in answers} == {202}
    assert len({answer.json["sequence"] for answer in answers}) == 1
    assert len(await api.audited("cancelled")) == 1


async def test_what_has_ended_cannot_be_cancelled(api: Api) -> None:
    job_id = await api.new_job("cara")
    await api.complete(job_id)

    answer = await api.call("POST", f"/api/v1/exports/{job_id}/cancel", user="cara")

    assert (answer.status, answer.json["type"]) == (409, "urn:ticket-export:problem:already-ended")
    assert await api.audited("cancelled") == []


async def test_nobody_else_can_cancel(api: Api) -> None:
    job_id = await api.new_job("ada")

    assert (await api.call("POST", f"/api/v1/exports/{job_id}/cancel", user="cara")).status == 404
    assert (await api.call("POST", f"/api/v1/exports/{uuid4()}/cancel", user="cara")).status == 404
    assert (await api.get(f"/api/v1/exports/{job_id}", "ada")).json["status"] == "queued"
