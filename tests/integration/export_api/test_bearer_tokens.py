"""401: only a token that we would have issued, in the header, and not yet over."""

import time

from joserfc import jwt
from joserfc.jwk import OctKey

from export_api.auth.demo_key import load_or_create
from integration.export_api.running_api import Answer, Api


def signed(api: Api, *, key: OctKey | None = None, algorithm: str = "HS256", **claims: object) -> str:
    assert api.settings.demo_signing_key_file is not None
    usual = {"iss": "ticket-export-demo", "aud": "ticket-export", "sub": "cara", "exp": int(time.time()) + 60}
    kept = {name: value for name, value in {**usual, **claims}.items() if value is not None}
    signing_key = key or load_or_create(api.settings.demo_signing_key_file)
    return jwt.encode({"alg": algorithm}, kept, signing_key, algorithms=[algorithm])


async def with_token(api: Api, token: str) -> Answer:
    return await api.get("/api/v1/views", headers={"Authorization": f"Bearer {token}"})


async def test_a_token_that_we_would_have_issued_counts(api: Api) -> None:
    assert (await with_token(api, signed(api))).status == 200


async def test_every_other_token_is_refused(api: Api) -> None:
    good = signed(api)
    header, payload, signature = good.split(".")
    unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + payload + "."
    refused = {
        "another key": signed(api, key=OctKey.generate_key(256)),
        "another issuer": signed(api, iss="somebody"),
        "no issuer": signed(api, iss=None),
        "another audience": signed(api, aud="other"),
        "the audience of sessions": signed(api, aud="ticket-export/session"),
        "no audience": signed(api, aud=None),
        "over": signed(api, exp=int(time.time()) - 60),
        "no end": signed(api, exp=None),
        "not yet": signed(api, nbf=int(time.time()) + 600),
        "nobody": signed(api, sub=None),
        "not a name": signed(api, sub=7),
        "a NUL": signed(api, sub="a\x00b"),
        "another algorithm": signed(api, algorithm="HS512", key=OctKey.generate_key(512)),
        "unsigned": unsigned,
        "changed": f"{header}.{payload[:-2]}AA.{signature}",
        "garbage": "x.y.z",
        "nothing": "",
        "too long": good + "x" * 9000,
    }
    for what, token in refused.items():
        answer = await with_token(api, token)
        assert (answer.status, answer.headers["Content-Type"]) == (401, "application/problem+json"), what
        assert answer.headers["WWW-Authenticate"].startswith("Bearer"), what


async def test_a_token_counts_in_the_header_only(api: Api) -> None:
    token = signed(api)

    assert (await api.get(f"/api/v1/views?access_token={token}")).status == 401
    assert (await api.get("/api/v1/views", headers={"Authorization": f"Basic {token}"})).status == 401
    assert (await api.get("/api/v1/views", headers={"Cookie": f"ticket_export_session={token}"})).status == 401


async def test_every_call_asks_for_a_token_before_it_looks_at_anything(api: Api) -> None:
    job_id = await api.new_job()
    calls = [
        await api.call("POST", "/api/v1/exports", data=b"{"),
        await api.get("/api/v1/exports"),
        await api.get(f"/api/v1/exports/{job_id}"),
        await api.get(f"/api/v1/exports/{job_id}/download"),
        await api.get("/api/v1/views"),
    ]

    assert [answer.status for answer in calls] == [401] * 5
    assert [(await api.get(path)).status for path in ("/healthz", "/readyz", "/metrics", "/openapi.json")] == [200] * 4
