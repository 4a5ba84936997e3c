"""POST /api/v1/exports/estimate: how big it would be, with the same body, the same rights, and no trace."""

from integration.export_api.running_api import Api


async def estimate(api: Api, user: str = "cara", **body: object) -> dict[str, object]:
    answer = await api.call("POST", "/api/v1/exports/estimate", user=user, json=body)
    assert answer.status == 200, answer.text
    told: dict[str, object] = answer.json
    return told


async def test_rows_are_those_that_an_export_would_have(api: Api) -> None:
    counted = await api.database.fetchval(
        "SELECT count(*) FROM helpdesk.tickets JOIN helpdesk.priorities p ON p.developer_name = priority"
        " WHERE custom ->> 'location' = 'Location 143' AND p.sort_order >= 2"
    )
    condition = {"field": "custom.location", "operator": "eq", "value": "location 143"}
    urgent = {"field": "priority", "operator": "gte", "value": "moderate"}

    told = await estimate(api, view={"scope": "all", "filters": {"all": [condition]}}, filters={"any": [urgent]})

    assert counted > 0
    assert told["rows"] == counted
    assert told["warnings"] == []
    everything = await estimate(api, view_id="all")
    assert everything["rows"] == 890
    assert 890 * 60 < int(str(everything["bytes"])) < 890 * 2_000
    assert everything["seconds"] == 1
    assert [await api.count(table) for table in ("jobs", "tasks", "audit_log", "outbox")] == [0, 0, 0, 0]


async def test_it_takes_the_right_to_export(api: Api) -> None:
    for user, status in [("ada", 200), ("bob", 403), ("cara", 200), ("dan", 403), (None, 401)]:
        answer = await api.call("POST", "/api/v1/exports/estimate", user=user, json={"view_id": "all"})
        assert answer.status == status, user
    assert (await api.call("POST", "/api/v1/exports/estimate", user="ada", json={"view_id": "none"})).status == 404
    assert (await api.call("POST", "/api/v1/exports/estimate", user="ada", data=b"{}")).status == 415
