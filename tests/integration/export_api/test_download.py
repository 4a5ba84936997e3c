"""GET …/download: who gets a link, for how long, and what is written down about it."""

import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest

from export_api.settings import ApiSettings
from integration.export_api.running_api import Answer, Api, running_api
from local_stack.demo.people import ADA, CARA
from support.installation import Installation


async def download(api: Api, job_id: UUID, user: str = "ada") -> Answer:
    return await api.get(f"/api/v1/exports/{job_id}/download", user)


def life_seconds(link: str) -> int:
    return int(parse_qs(urlsplit(link).query)["X-Amz-Expires"][0])


async def test_an_administrator_with_the_permission_is_sent_to_the_file(api: Api, read_log: Callable[[], str]) -> None:
    job_id = await api.new_job("cara")
    await api.complete(job_id, content=b"id\n1\n")

    answer = await download(api, job_id)

    link = answer.headers["Location"]
    assert (answer.status, life_seconds(link)) == (303, 60)
    assert (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    async with api.http.get(link) as file:
        assert (file.status, await file.read()) == (200, b"id\n1\n")
        assert file.headers["Content-Disposition"].startswith("attachment; filename=")
        assert "filename*=UTF-8''open%20tickets%20%E2%80%93%20Bj%C3%B6rn.csv" in file.headers["Content-Disposition"]
    [issued] = await api.audited("link_issued")
    assert (issued["actor_id"], issued["job_id"], issued["outcome"]) == (ADA.id, job_id, "success")
    queued = await api.database.fetch("SELECT body FROM exports.outbox")
    written = read_log() + "".join(row["body"] for row in queued)
    assert "X-Amz-Signature" not in written
    assert "X-Amz-Signature" not in str(tuple(issued))


async def test_the_finished_job_tells_of_its_file(api: Api) -> None:
    job_id = await api.new_job("cara")
    await api.complete(job_id)
    path = f"/api/v1/exports/{job_id}"

    admins, requesters = (await api.get(path, "ada")).json, (await api.get(path, "cara")).json

    assert (admins["may"], requesters["may"]) == (
        {"download": True, "cancel": False, "retry": False},
        {"download": False, "cancel": False, "retry": False},
    )
    assert admins["progress"]["percent"] == 100.0
    assert admins["parts"] == [4]
    assert admins["file"]["digest"] == "sha256-parts:ab"
    assert set(admins["file"]) == {"name", "size_bytes", "digest", "content_type", "expires_at"}


@pytest.mark.parametrize(
    ("user", "status", "reason"),
    [
        ("cara", 403, "permission"),
        ("bob", 404, "not_visible"),
        ("dan", 404, "not_visible"),
        ("nobody", 403, "unknown_person"),
    ],
)
async def test_anybody_else_is_refused_and_it_is_audited(api: Api, user: str, status: int, reason: str) -> None:
    job_id = await api.new_job("cara")
    await api.complete(job_id)

    answer = await download(api, job_id, user)

    assert (answer.status, answer.headers["Content-Type"]) == (status, "application/problem+json")
    [denied] = await api.audited("download_denied")
    assert (denied["outcome"], denied["job_id"], json.loads(denied["details"])["reason"]) == ("denied", job_id, reason)
    assert await api.audited("link_issued") == []


@pytest.mark.parametrize(
    "loss",
    [
        "DELETE FROM helpdesk.staff_roles WHERE role_id = (SELECT id FROM helpdesk.roles WHERE developer_name = 'exports')",
        "UPDATE helpdesk.staff SET is_admin = false",
    ],
)
async def test_the_rights_of_this_moment_count(api: Api, loss: str) -> None:
    job_id = await api.new_job("ada")
    await api.complete(job_id)
    assert (await download(api, job_id)).status == 303
    await api.database.execute(loss)

    assert (await download(api, job_id)).status == 403


async def test_what_is_not_there_or_not_finished_has_no_link(api: Api) -> None:
    job_id = await api.new_job("ada")

    async def told(change: str = "") -> tuple[int, str]:
        if change:
            await api.database.execute(f"UPDATE exports.jobs SET {change}")
        answer = await download(api, job_id)
        return answer.status, answer.json["type"].removeprefix("urn:ticket-export:problem:")

    assert (await download(api, uuid4())).status == 404
    assert await told() == (409, "not-completed")
    assert await told("status = 'running', stage = 'exporting'") == (409, "not-completed")
    assert await told("status = 'failed', stage = NULL, error_code = 'x'") == (409, "no-file")
    assert await told("status = 'cancelled', error_code = NULL") == (409, "no-file")
    assert await told("status = 'expired', expires_at = clock_timestamp()") == (410, "expired")
    assert await api.audited("link_issued") == []


async def test_a_link_never_outlives_the_file(api: Api) -> None:
    job_id = await api.new_job("ada")
    await api.complete(job_id, life=timedelta(seconds=20))

    assert 17 <= life_seconds((await download(api, job_id)).headers["Location"]) <= 20
    # Expired by the clock, though the janitor has not been there.
    await api.database.execute("UPDATE exports.jobs SET expires_at = clock_timestamp()")
    expired = await download(api, job_id)

    assert (expired.status, expired.json["type"]) == (410, "urn:ticket-export:problem:expired")


async def test_a_requester_without_the_right_is_refused_before_the_state_is_told(api: Api) -> None:
    job_id = await api.new_job("cara")

    assert (await download(api, job_id, "cara")).status == 403
    [denied] = await api.audited("download_denied")
    assert denied["actor_id"] == CARA.id


@pytest.fixture
async def behind_a_public_name(installation: Installation, tmp_path: Path) -> AsyncIterator[Api]:
    settings = installation.settings(
        ApiSettings,
        port=0,
        auth_mode="demo",
        demo_signing_key_file=tmp_path / "key.json",
        s3_public_url="https://files.example.com",
    )
    async with running_api(installation, settings) as running:
        yield running


async def test_links_point_to_the_public_endpoint(behind_a_public_name: Api) -> None:
    job_id = await behind_a_public_name.new_job("ada")
    await behind_a_public_name.complete(job_id)

    link = urlsplit((await download(behind_a_public_name, job_id)).headers["Location"])

    assert (link.scheme, link.netloc) == ("https", "files.example.com")
