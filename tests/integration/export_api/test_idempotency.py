"""Idempotency-Key: the same request again is the same job; another request under the key is refused."""

import asyncio
from typing import Any

from integration.export_api.running_api import Answer, Api


async def request(api: Api, key: str, *, user: str = "cara", view_id: str = "open", **more: str) -> Answer:
    return await api.request_export(user, {"view_id": view_id, **more}, headers={"Idempotency-Key": key})


async def test_the_same_key_and_body_answer_the_same_job(api: Api) -> None:
    first, second = await request(api, "k-1"), await request(api, "k-1")

    assert (first.status, second.status) == (202, 202)
    assert first.json["id"] == second.json["id"]
    assert second.headers["Location"] == first.headers["Location"]
    assert [await api.count("jobs"), len(await api.audited("requested"))] == [1, 1]


async def test_two_requests_at_once_make_one_job(api: Api) -> None:
    answers = await asyncio.gather(*(request(api, "k-1") for _ in range(6)))

    assert {answer.status for answer in answers} == {202}
    assert len({answer.json["id"] for answer in answers}) == 1
    assert await api.count("jobs") == 1


async def test_another_body_under_the_key_is_refused(api: Api) -> None:
    await request(api, "k-1")

    answer = await request(api, "k-1", client_reference="another")

    assert (answer.status, answer.json["type"]) == (422, "urn:ticket-export:problem:idempotency-conflict")
    assert await api.count("jobs") == 1


CONDITION = {"field": "id", "operator": "gt", "value": 1}
BODY: dict[str, Any] = {
    "view": {"scope": "open", "filters": {"all": [CONDITION]}},
    "columns": ["id", "title"],
    "filters": {"any": [CONDITION]},
    "quick_filters": {"priority": "high"},
    "search": "x",
    "sort": "oldest",
}
OTHERWISE: list[dict[str, Any]] = [
    {"view": {"scope": "open", "filters": {"any": [CONDITION]}}},
    {"columns": ["title", "id"]},
    {"filters": {"any": [{**CONDITION, "value": 2}]}},
    {"filters": None},
    {"quick_filters": {"priority": "low"}},
    {"search": "y"},
    {"sort": "newest"},
    {"scope": "all"},
    {"time_zone": "Europe/Berlin"},
    {"profile": "machine"},
    {"delimiter": ";"},
]


async def test_a_key_stands_for_the_whole_body(api: Api) -> None:
    first = await api.request_export("cara", BODY, headers={"Idempotency-Key": "k-1"})
    assert first.status == 202, first.text
    for change in OTHERWISE:
        answer = await api.request_export("cara", {**BODY, **change}, headers={"Idempotency-Key": "k-1"})
        assert (answer.status, answer.json["type"]) == (422, "urn:ticket-export:problem:idempotency-conflict"), change
    spelled_out = {**BODY, "time_zone": "UTC", "profile": "spreadsheet", "delimiter": ",", "view_id": None}
    again = await api.request_export("cara", spelled_out, headers={"Idempotency-Key": "k-1"})
    assert (again.status, again.json["id"]) == (202, first.json["id"])
    assert await api.count("jobs") == 1


async def test_a_repeated_request_finds_its_job_when_the_view_no_longer_fits(api: Api) -> None:
    body = {"view_id": "all", "columns": ["id", "custom.impact"]}
    first = await api.request_export("cara", body, headers={"Idempotency-Key": "k-1"})
    await api.database.execute("DELETE FROM helpdesk.custom_fields")

    again = await api.request_export("cara", body, headers={"Idempotency-Key": "k-1"})

    assert (again.status, again.json["id"]) == (202, first.json["id"])
    assert (await api.request_export("cara", body)).status == 422


async def test_a_key_is_one_persons_own(api: Api) -> None:
    cara, ada = await request(api, "k-1"), await request(api, "k-1", user="ada", view_id="all")

    assert (cara.status, ada.status) == (202, 202)
    assert cara.json["id"] != ada.json["id"]


async def test_a_key_is_free_again_after_a_day(api: Api) -> None:
    first = await request(api, "k-1")
    await api.database.execute("UPDATE exports.jobs SET requested_at = requested_at - interval '24 h 1 s'")

    second = await request(api, "k-1", view_id="all")

    assert second.status == 202
    assert second.json["id"] != first.json["id"]


async def test_a_repeated_request_finds_its_job_when_the_view_is_gone(api: Api) -> None:
    view_id = str(await api.database.fetchval("SELECT id FROM helpdesk.views WHERE owner_id IS NULL LIMIT 1"))
    first = await request(api, "k-1", view_id=view_id)
    await api.database.execute("DELETE FROM helpdesk.views")

    assert (await request(api, "k-1", view_id=view_id)).json["id"] == first.json["id"]


async def test_a_malformed_key_is_named(api: Api) -> None:
    for key in ("", "x" * 201, "a\tb"):
        answer = await request(api, key)

        assert (answer.status, set(answer.faults)) == (422, {"Idempotency-Key"})
    assert await api.count("jobs") == 0
