"""POST …/retry: the same view as of now, in one new job that is linked to the first."""

import asyncio
import json
from uuid import UUID

import pytest

from integration.export_api.running_api import Answer, Api
from local_stack.demo.people import ADA, CARA


async def retry(api: Api, job_id: UUID | str, user: str = "cara") -> Answer:
    return await api.call("POST", f"/api/v1/exports/{job_id}/retry", user=user)


async def ended(api: Api, status: str, user: str = "cara") -> UUID:
    """A job that ended so; its view is one whose tickets depend on who asked."""
    job_id = await api.new_job(user, "my_tickets")
    if status == "expired":
        await api.complete(job_id)
    await api.database.execute(
        "UPDATE jobs SET status = $2, error_code = e.code, error_message = e.code, error_reference = e.code"
        " FROM (SELECT CASE $2 WHEN 'failed' THEN 'internal' END AS code) e WHERE id = $1",
        job_id,
        status,
    )
    return job_id


async def payload(api: Api, job_id: UUID | str) -> dict[str, object]:
    found: dict[str, object] = json.loads(await api.database.fetchval("SELECT payload FROM jobs WHERE id = $1", job_id))
    return found


@pytest.mark.parametrize("status", ["failed", "cancelled", "expired"])
async def test_a_retry_is_a_new_job_as_of_now(api: Api, status: str) -> None:
    job_id = await ended(api, status)

    answer = await retry(api, job_id)

    new = answer.json
    assert (answer.status, new["status"], new["retry_of"]) == (202, "queued", str(job_id))
    assert answer.headers["Location"] == f"/api/v1/exports/{new['id']}"
    original = (await api.get(f"/api/v1/exports/{job_id}", "cara")).json
    assert (original["retried_by"], original["may"]["retry"]) == (new["id"], False)
    assert new["requested_at"] > original["requested_at"]
    assert await payload(api, new["id"]) == await payload(api, job_id)
    [audited] = await api.audited("retried")
    assert (audited["actor_id"], str(audited["job_id"])) == (CARA.id, new["id"])
    assert json.loads(audited["details"])["retry_of"] == str(job_id)


async def test_pressing_again_answers_the_same_job(api: Api) -> None:
    job_id = await ended(api, "failed")

    answers = await asyncio.gather(*(retry(api, job_id) for _ in range(4)))

    assert {answer.status for answer in answers} == {202}
    assert len({answer.json["id"] for answer in answers}) == 1
    assert await api.database.fetchval("SELECT count(*) FROM jobs") == 2
    assert len(await api.audited("retried")) == 1


async def test_the_presser_owns_it_and_the_tickets_stay_the_first_persons(api: Api) -> None:
    job_id = await ended(api, "failed")

    answer = await retry(api, job_id, "ada")

    assert answer.json["requester"]["id"] == str(ADA.id)
    assert (await payload(api, answer.json["id"]))["requester_id"] == str(CARA.id)


@pytest.mark.parametrize("status", ["queued", "running", "completed"])
async def test_what_has_a_file_or_may_get_one_is_not_retried(api: Api, status: str) -> None:
    job_id = await api.new_job("cara")
    if status == "completed":
        await api.complete(job_id)
    if status == "running":
        await api.database.execute("UPDATE jobs SET status = 'running', stage = 'counting' WHERE id = $1", job_id)

    answer = await retry(api, job_id)

    assert (answer.status, answer.json["type"]) == (409, "urn:ticket-export:problem:not-retryable")
    assert await api.database.fetchval("SELECT count(*) FROM jobs") == 1


async def test_it_needs_the_permission_now(api: Api) -> None:
    job_id = await ended(api, "failed")
    await api.database.execute("DELETE FROM staff_roles WHERE staff_id = $1", CARA.id)

    answer = await retry(api, job_id)

    assert answer.status == 403
    assert len(await api.audited("request_denied")) == 1
    assert (await retry(api, job_id, "dan")).status == 404


async def test_a_retry_that_belongs_to_somebody_else_is_not_shown(api: Api) -> None:
    job_id = await ended(api, "failed")
    await retry(api, job_id, "ada")

    answer = await retry(api, job_id)

    assert (answer.status, answer.json["type"]) == (409, "urn:ticket-export:problem:already-retried")
