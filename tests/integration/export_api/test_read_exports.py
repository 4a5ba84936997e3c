"""GET: one export, the list with its pages, the views; who sees what."""

import asyncio
from uuid import UUID, uuid4

from integration.export_api.running_api import Api
from local_stack.demo.people import DAN
from ticket_export.views.scopes import SCOPES


async def test_a_job_is_seen_by_its_requester_and_by_who_may_download(api: Api) -> None:
    path = f"/api/v1/exports/{await api.new_job('cara')}"

    assert [(await api.get(path, user)).status for user in ("cara", "ada", "bob", "dan")] == [200, 200, 404, 404]


async def test_the_requester_sees_a_job_after_losing_the_right(api: Api) -> None:
    job_id = await api.new_job("cara")
    await api.database.execute("DELETE FROM helpdesk.staff_roles")

    assert (await api.get(f"/api/v1/exports/{job_id}", "cara")).status == 200
    assert (await api.request_export("cara")).status == 403


async def test_what_is_not_there_is_not_found(api: Api) -> None:
    for export_id in (str(uuid4()), "not-an-id", "%00", "1"):
        answer = await api.get(f"/api/v1/exports/{export_id}", "ada")

        assert (answer.status, answer.headers["Content-Type"]) == (404, "application/problem+json")


async def test_progress_error_and_estimate_are_told(api: Api) -> None:
    job_id = await api.new_job()
    path = f"/api/v1/exports/{job_id}"
    await api.database.execute(
        "UPDATE exports.jobs SET status = 'running', stage = 'exporting', rows_total = 400, rows_done = 100,"
        " bytes_done = 12345, started_at = clock_timestamp() - interval '10 s', sequence = 7"
    )
    running = (await api.get(path, "cara")).json
    await api.database.execute(
        "UPDATE exports.jobs SET status = 'failed', stage = NULL, error_code = 'too_large',"
        " error_message = 'Too large.', error_reference = 'ref1', completed_at = clock_timestamp()"
    )
    failed = (await api.get(path, "cara")).json

    assert running["progress"] == {"rows_done": 100, "rows_total": 400, "bytes_done": 12345, "percent": 24.7}
    assert (running["stage"], running["sequence"]) == ("exporting", 7)
    assert 30 <= running["eta_seconds"] <= 32
    assert failed["error"] == {"code": "too_large", "message": "Too large.", "reference": "ref1"}
    assert (failed["progress"]["percent"], failed["eta_seconds"]) == (24.7, None)


async def test_the_list_has_own_jobs_or_everyones_newest_first(api: Api) -> None:
    made = [str(await api.new_job(user)) for user in ("cara", "ada", "cara")]

    async def listed(user: str, query: str = "") -> list[str]:
        return [item["id"] for item in (await api.get(f"/api/v1/exports{query}", user)).json["items"]]

    assert await listed("ada") == [made[2], made[1], made[0]]
    assert await listed("cara") == [made[2], made[0]]
    assert await listed("dan") == []
    await api.database.execute("UPDATE exports.jobs SET status = 'cancelled' WHERE id = $1", UUID(made[1]))
    assert await listed("ada", "?status=cancelled") == [made[1]]


async def test_pages_follow_each_other_without_gap_or_repetition(api: Api) -> None:
    made = [str(job) for job in await asyncio.gather(*(api.new_job() for _ in range(7)))]
    # Two of one instant: the id decides.
    await api.database.execute("UPDATE exports.jobs SET requested_at = '2026-01-01Z' WHERE id = ANY ($1)", made[:3])
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await api.get(f"/api/v1/exports?limit=2{cursor and '&cursor=' + cursor}", "cara")).json
        assert len(page["items"]) <= 2
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if len(seen) == 2:
            await api.new_job()  # newer than the page: must not shift the next one

    assert (len(seen), set(seen)) == (7, set(made))
    assert seen[-3:] == sorted(made[:3], reverse=True)


WRONG_PARAMETERS = [
    ("status=done", "status"),
    ("limit=0", "limit"),
    ("limit=101", "limit"),
    ("limit=x", "limit"),
    ("cursor=x", "cursor"),
    ("cursor=MjAyNi0wMS0wMQ", "cursor"),
    ("cursor=" + "x" * 201, "cursor"),
]


async def test_a_wrong_parameter_is_named(api: Api) -> None:
    for query, named in WRONG_PARAMETERS:
        answer = await api.get(f"/api/v1/exports?{query}", "cara")

        assert (answer.status, set(answer.faults)) == (422, {named}), query


async def test_views_are_the_built_in_everybodys_and_ones_own(api: Api) -> None:
    async def names(user: str) -> list[str]:
        return [view["name"] for view in (await api.get("/api/v1/views", user)).json["items"]]

    built_in = [scope.label for scope in SCOPES.values()]
    shared = ["Broken promises", "My Active Tickets", "Needs attention", "Open work", "Recently Updated"]
    assert await names("dan") == [*built_in, *shared]
    assert await names("cara") == [*built_in, shared[0], "Cara's pick-ups", *shared[1:]]


async def test_each_view_that_is_offered_can_be_exported(api: Api) -> None:
    for view in (await api.get("/api/v1/views", "ada")).json["items"]:
        answer = await api.request_export("ada", {"view_id": view["id"]})
        assert (answer.status, answer.json["view"]) == (202, {"id": view["id"], "name": view["name"]})
    assert (await api.request_export("ada", {"view_id": "recently_closed"})).json["view"]["id"] == "closed"


async def test_what_a_view_can_say_is_told_to_any_staff(api: Api) -> None:
    await api.database.execute(
        "UPDATE helpdesk.statuses SET label = 'Brand new' WHERE developer_name = 'new';"
        "INSERT INTO helpdesk.custom_fields (key, label, type) VALUES ('cost', 'Cost', 'number')"
    )
    told = (await api.get("/api/v1/views/fields", "dan")).json

    assert {"value": "new", "label": "Brand new"} in told["choices"]["statuses"]
    assert {"value": str(DAN.id), "label": "Dan Kowalski"} in told["choices"]["staff"]
    assert len(told["choices"]["teams"]) == await api.database.fetchval("SELECT count(*) FROM helpdesk.teams")
    [cost] = [field for field in told["fields"] if field["name"] == "custom.cost"]
    assert (cost["label"], cost["type"], cost["operators"][0]["value"]) == ("Cost", "number", "number")
    assert [choice["value"] for choice in told["delimiters"]] == [",", ";", "\t"]
    assert (await api.get("/api/v1/views/fields")).status == 401
    columns = [column["name"] for column in told["columns"]]
    assert (await api.request_export("cara", {"view_id": "all", "columns": columns})).status == 202
