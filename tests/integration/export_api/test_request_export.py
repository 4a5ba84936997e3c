"""POST /api/v1/exports: what is accepted, what is stored together, what is refused and how."""

import asyncio
import json
from uuid import UUID, uuid4

import pytest

from integration.export_api.running_api import JSON, Api
from local_stack.demo.people import CARA, CARAS_PICKUPS, OPEN_WORK


async def test_an_accepted_request_is_job_task_audit_and_events_together(api: Api) -> None:
    answer = await api.request_export("cara", {"view_id": "overdue", "client_reference": "order 7"})

    assert answer.status == 202
    assert answer.headers["Location"] == f"/api/v1/exports/{answer.json['id']}"
    job = await api.database.fetchrow("SELECT * FROM exports.jobs")
    assert job is not None
    assert str(job["id"]) == answer.json["id"]
    assert UUID(answer.json["id"]).version == 7
    assert (job["requester_id"], job["requester_permissions"], job["requester_is_admin"]) == (CARA.id, 64 | 512, False)
    assert sorted(job["requester_roles"]) == ["agent", "exports"]
    assert json.loads(job["payload"])["scope"] == "overdue"
    assert (job["view_name"], job["client_reference"], job["status"]) == ("Overdue tickets", "order 7", "queued")
    task = await api.database.fetchrow("SELECT * FROM exports.tasks")
    assert task is not None
    assert (task["job_id"], task["kind"], task["number"], task["status"]) == (job["id"], "plan", 0, "queued")
    [audited] = await api.audited("requested")
    assert (audited["actor_id"], audited["job_id"], audited["outcome"]) == (CARA.id, job["id"], "success")
    assert audited["request_id"] == answer.headers["X-Request-Id"]
    assert audited["client_address"] == "127.0.0.1"


async def test_the_answer_tells_how_the_job_stands(api: Api) -> None:
    answer = (await api.request_export("cara", {"view_id": "all", "client_reference": "x"})).json

    assert answer["status"] == "queued"
    assert answer["view"] == {"id": "all", "name": "All tickets"}
    assert answer["requester"] == {"id": str(CARA.id)}
    assert answer["progress"] == {"rows_done": 0, "rows_total": None, "bytes_done": 0, "percent": 0.0}
    assert (answer["snapshot_mode"], answer["sequence"], answer["client_reference"]) == ("exact", 1, "x")
    assert [answer[name] for name in ("stage", "eta_seconds", "error", "file")] == [None] * 4
    assert (answer["parts"], answer["may"]) == ([], {"download": False, "cancel": True, "retry": False})


WRONG_BODIES: list[tuple[object, set[str]]] = [
    ({}, {"/view_id"}),
    ({"view_id": 5}, {"/view_id"}),
    ({"view_id": None}, {"/view_id"}),
    ({"view_id": ""}, {"/view_id"}),
    ({"view_id": "x" * 201}, {"/view_id"}),
    ({"view_id": "open", "view": {}}, {"/view"}),
    ({"view_id": "open", "column": ["title"]}, {"/column"}),
    ({"view_id": "open", "client_reference": 7}, {"/client_reference"}),
    ({"view_id": "open", "client_reference": "x" * 201}, {"/client_reference"}),
    ({"view_id": "open", "client_reference": "a\x00b"}, {"/client_reference"}),
    ({"view_id": "open", "a/b~c": 1, "scope": 7}, {"/a~1b~0c", "/scope"}),
    ([], {""}),
    ("open", {""}),
]


async def test_each_unknown_or_malformed_field_is_named(api: Api) -> None:
    for body, named in WRONG_BODIES:
        answer = await api.request_export("cara", body)

        assert (answer.status, answer.headers["Content-Type"]) == (422, "application/problem+json"), body
        assert answer.json["type"] == "urn:ticket-export:problem:invalid-request"
        assert set(answer.faults) == named, body
    assert await api.count("jobs") == 0


NOT_JSON = [b"", b"{", b'{"view_id": "open"', b"\xff", b'{"view_id": "\\ud800"}', b"[" * 5000, b"null"]


async def test_what_is_not_json_is_a_422(api: Api) -> None:
    for raw in NOT_JSON:
        answer = await api.call("POST", "/api/v1/exports", user="cara", data=raw, headers=JSON)

        assert (answer.status, answer.json["errors"][0].get("pointer") is not None) == (422, True), raw


async def test_a_body_that_is_declared_otherwise_or_too_large_is_refused(api: Api) -> None:
    form = await api.call("POST", "/api/v1/exports", user="cara", data={"view_id": "open"})
    large = await api.call("POST", "/api/v1/exports", user="cara", data=b'{"x": "' + b"x" * 70_000, headers=JSON)

    assert (form.status, form.json["type"]) == (415, "urn:ticket-export:problem:not-json")
    assert (large.status, large.headers["Content-Type"]) == (413, "application/problem+json")


async def test_an_unknown_or_foreign_view_is_not_found(api: Api) -> None:
    for view_id in ("inline", "no such view", str(uuid4()), str(CARAS_PICKUPS.id)):
        answer = await api.request_export("ada", {"view_id": view_id})

        assert (answer.status, answer.json["type"]) == (404, "urn:ticket-export:problem:view-not-found")
    assert await api.count("jobs") == 0


async def test_saved_views_are_found_by_id_and_a_deleted_one_is_not(api: Api) -> None:
    own = await api.request_export("cara", {"view_id": str(CARAS_PICKUPS.id)})
    shared = await api.request_export("cara", {"view_id": str(OPEN_WORK.id)})
    await api.database.execute("DELETE FROM helpdesk.views WHERE id = $1", OPEN_WORK.id)
    deleted = await api.request_export("cara", {"view_id": str(OPEN_WORK.id)})

    assert (own.status, own.json["view"]["name"]) == (202, "Cara's pick-ups")
    assert (shared.status, deleted.status) == (202, 404)


async def save(api: Api, definition: object) -> None:
    await api.database.execute(
        "UPDATE helpdesk.views SET definition = $2::text::jsonb WHERE id = $1", OPEN_WORK.id, json.dumps(definition)
    )


async def test_a_saved_view_that_does_not_fit_is_named_with_what_is_wrong_inside(api: Api) -> None:
    condition = {"field": "status", "operator": "is", "value": "gone"}
    for definition, named in [
        ({"version": 3}, "/version"),
        ({"version": 2, "having": []}, "/having is not known"),
        ({"version": 2, "filters": {"all": [condition]}}, "/filters/all/0/value"),
        ({"version": 2, "columns": ["id", "custom.gone"]}, "/columns/1"),
        ({"version": 2, "sort": "cheapest"}, "/sort"),
        (7, "is not an object"),
    ]:
        await save(api, definition)
        answer = await api.request_export("cara", {"view_id": str(OPEN_WORK.id), "scope": "gone"})

        assert (answer.status, set(answer.faults)) == (422, {"/view_id", "/scope"}), definition
        assert named in answer.faults["/view_id"]
    assert await api.count("jobs") == 0


@pytest.mark.parametrize("user", ["dan", "bob"])
async def test_without_the_permission_it_is_forbidden_and_audited(api: Api, user: str) -> None:
    answer = await api.request_export(user, {"view_id": "no such view"})

    assert (answer.status, answer.json["type"]) == (403, "urn:ticket-export:problem:not-allowed")
    [audited] = await api.audited("request_denied")
    assert (audited["outcome"], json.loads(audited["details"])["reason"]) == ("denied", "permission")
    assert await api.count("jobs") == 0


@pytest.mark.parametrize("change", ["DELETE FROM helpdesk.staff", "UPDATE helpdesk.staff SET is_active = false"])
async def test_an_unknown_or_inactive_person_is_forbidden(api: Api, change: str) -> None:
    await api.database.execute(f"{change} WHERE username = 'cara'")

    answers = [
        await api.request_export("cara"),
        await api.get("/api/v1/exports", "cara"),
        await api.get("/api/v1/views", "cara"),
    ]

    assert [answer.status for answer in answers] == [403] * 3
    assert answers[0].json["type"] == "urn:ticket-export:problem:unknown-person"
    assert len(await api.audited("request_denied")) == 1


async def clone_jobs(api: Api, copies: int) -> None:
    """Copy the only job; the copies have sequences of 2 and on."""
    changed = "jsonb_build_object('id', gen_random_uuid(), 'sequence', number + 1)"
    await api.database.execute(
        f"INSERT INTO exports.jobs SELECT (jsonb_populate_record(j, {changed})).*"
        f" FROM exports.jobs j, generate_series(1, {copies}) number"
    )


async def test_the_51st_unfinished_job_of_a_person_has_to_wait(api: Api) -> None:
    await api.new_job()
    await clone_jobs(api, 49)

    refused = await api.request_export("cara")
    another_person = await api.request_export("ada")
    await api.database.execute("UPDATE exports.jobs SET status = 'cancelled' WHERE sequence = 2")
    accepted = await api.request_export("cara")

    assert (refused.status, refused.json["type"]) == (429, "urn:ticket-export:problem:too-many-exports")
    assert int(refused.headers["Retry-After"]) > 0
    assert (another_person.status, accepted.status) == (202, 202)


async def test_the_limit_holds_for_requests_at_once(api: Api) -> None:
    await api.new_job()
    await clone_jobs(api, 47)

    answers = await asyncio.gather(*(api.request_export("cara") for _ in range(8)))

    assert sorted(answer.status for answer in answers) == [202] * 2 + [429] * 6


async def test_a_failure_on_the_way_leaves_no_trace(api: Api) -> None:
    await api.database.execute("ALTER TABLE exports.outbox ADD CONSTRAINT refused CHECK (topic NOT LIKE '%requests%')")

    answer = await api.request_export("cara")

    assert answer.status == 500
    assert [await api.count(table) for table in ("jobs", "tasks", "audit_log", "outbox")] == [0, 0, 0, 0]
