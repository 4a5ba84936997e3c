"""What every answer has: a request id, headers, problems for unknown paths; which hosts are answered at all."""

import json
import re
from collections.abc import Callable

from export_api.settings import ApiSettings
from integration.export_api.running_api import Api, running_api
from support.installation import Installation


async def test_a_sane_request_id_is_kept_and_any_other_replaced(api: Api) -> None:
    kept = await api.get("/healthz", headers={"X-Request-Id": "order-4711.a_b"})
    others = [
        await api.get("/healthz", headers={"X-Request-Id": text}) for text in ("short", "x" * 65, "with space", "é" * 9)
    ]

    assert kept.headers["X-Request-Id"] == "order-4711.a_b"
    made = {answer.headers["X-Request-Id"] for answer in others}
    assert len(made) == 4
    assert all(len(request_id) == 32 for request_id in made)


async def test_the_request_id_is_in_the_problem_and_in_the_log(api: Api, read_log: Callable[[], str]) -> None:
    answer = await api.get("/api/v1/exports?cursor=secret-text", headers={"X-Request-Id": "order-4711"})

    log = read_log()
    assert answer.json["request_id"] == "order-4711"
    assert '"request_id": "order-4711"' in log
    assert "secret-text" not in log


async def test_every_answer_has_the_headers(api: Api) -> None:
    for path in ("/healthz", "/api/v1/exports", "/nowhere", "/staff/sign-in"):
        headers = (await api.get(path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert "Server" not in headers


async def test_unknown_paths_and_methods_are_problems(api: Api) -> None:
    nowhere = await api.get("/api/v1/nowhere")
    wrong = await api.call("DELETE", "/api/v1/exports")

    assert (nowhere.status, nowhere.json["type"]) == (404, "urn:ticket-export:problem:not-found")
    assert (wrong.status, wrong.json["type"]) == (405, "urn:ticket-export:problem:method-not-allowed")
    assert "Allow" in wrong.headers


async def test_only_known_host_names_are_answered(
    api: Api, installation: Installation, api_settings: ApiSettings
) -> None:
    async def status(running: Api, host: str, path: str = "/api/v1/exports") -> int:
        return (await running.get(path, headers={"Host": host})).status

    assert [await status(api, host) for host in ("127.0.0.1:80", "LOCALHOST", "[::1]:9")] == [401] * 3
    assert [await status(api, host) for host in ("evil.example.com", "localhost.evil.example.com", "", "[")] == [
        421
    ] * 4
    assert await status(api, "10.1.2.3", "/healthz") == 200
    named = api_settings.model_copy(update={"trusted_hosts": "exports.example.com, other.example.com"})
    async with running_api(installation, named) as behind_a_name:
        assert await status(behind_a_name, "exports.example.com") == 401


async def test_the_api_describes_itself(api: Api) -> None:
    document = (await api.get("/openapi.json")).json

    assert set(document["paths"]) == {
        "/api/v1/exports",
        "/api/v1/exports/estimate",
        "/api/v1/exports/{export_id}",
        "/api/v1/exports/{export_id}/cancel",
        "/api/v1/exports/{export_id}/download",
        "/api/v1/exports/{export_id}/retry",
        "/api/v1/views",
        "/api/v1/views/fields",
    }
    create = document["paths"]["/api/v1/exports"]["post"]
    assert {"202", "401", "403", "404", "422", "429", "503"} <= set(create["responses"])
    assert "application/problem+json" in create["responses"]["422"]["content"]
    body = create["requestBody"]["content"]["application/json"]
    assert {"view_id", "view", "columns", "filters", "sort", "delimiter"} <= set(body["schema"]["properties"])
    references = set(re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(document)))
    assert (
        {"ViewDefinition", "FilterGroup", "Condition", "SortLevel"}
        <= references
        <= set(document["components"]["schemas"])
    )
    for example in body["examples"].values():
        assert (await api.request_export("cara", example["value"])).status == 202, example
    assert "HTTPValidationError" not in document["components"]["schemas"]
    # The framework's own page would load a script from elsewhere.
    assert (await api.get("/docs")).status == 404
