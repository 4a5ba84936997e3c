"""AUTH_MODE=jwks: tokens of an identity provider, by keys that it publishes and may change or be unable to give."""

import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from export_api.auth import jwks
from export_api.settings import ApiSettings
from integration.export_api.running_api import Answer, Api, running_api
from support.installation import Installation

ISSUER = "https://login.example.com"


@dataclass
class Provider:
    """Publishes keys over HTTP and counts who asks."""

    keys: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0
    down: bool = False
    url: str = ""

    async def answer(self, _request: web.Request) -> web.Response:
        self.asked += 1
        return web.Response(status=503) if self.down else web.json_response({"keys": self.keys})


def rsa(key_id: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": key_id})


def token(
    key: RSAKey | ECKey | OctKey, *, algorithm: str = "RS256", key_id: str | None = None, **claims: object
) -> str:
    usual = {"iss": ISSUER, "aud": "ticket-export", "email": "cara", "sub": "u-17", "exp": int(time.time()) + 60}
    header = {"alg": algorithm} | ({"kid": key_id} if key_id else {})
    return jwt.encode(header, {**usual, **claims}, key, algorithms=[algorithm])


def confused(key: RSAKey, *, key_id: str) -> str:
    """Sign with the public key as if it were a shared secret; the library refuses to."""
    _header, payload, _signature = token(key).split(".")
    header = urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": key_id}).encode()).rstrip(b"=").decode()
    digest = hmac.digest(key.as_pem(private=False), f"{header}.{payload}".encode(), "sha256")
    return f"{header}.{payload}.{urlsafe_b64encode(digest).rstrip(b'=').decode()}"


async def with_token(api: Api, text: str) -> Answer:
    return await api.get("/api/v1/views", headers={"Authorization": f"Bearer {text}"})


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    provider = Provider()
    application = web.Application()
    application.router.add_get("/jwks", provider.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    provider.url = f"http://127.0.0.1:{runner.addresses[0][1]}/jwks"
    yield provider
    await runner.cleanup()


@pytest.fixture
async def api(installation: Installation, provider: Provider) -> AsyncIterator[Api]:
    settings = installation.settings(
        ApiSettings, port=0, auth_mode="jwks", jwt_jwks_url=provider.url, jwt_issuer=ISSUER, identity_claim="email"
    )
    async with running_api(installation, settings) as running:
        yield running


async def test_a_published_key_counts_and_is_fetched_once(api: Api, provider: Provider) -> None:
    first, second = rsa("k1"), ECKey.generate_key("P-256", {"kid": "k2"})
    provider.keys = [first.as_dict(private=False), second.as_dict(private=False)]

    answers = [
        await with_token(api, token(first, key_id="k1")),
        await with_token(api, token(second, key_id="k2", algorithm="ES256")),
    ]

    assert [answer.status for answer in answers] == [200, 200]
    assert "Cara's pick-ups" in answers[0].text
    assert provider.asked == 1


async def test_what_else_is_published_does_no_harm(api: Api, provider: Provider) -> None:
    key, other = rsa("k1"), rsa("for encryption")
    junk: list[dict[str, Any]] = [
        {"kty": "AKP", "kid": "new kind", "pub": "x"},
        {"kty": "RSA", "kid": "broken"},
        {"kty": "EC", "crv": "unknown", "kid": "odd", "x": "AA", "y": "AA"},
        {"kid": 7},
        {**other.as_dict(private=False), "use": "enc"},
    ]
    provider.keys = [*junk, key.as_dict(private=False)]

    assert (await with_token(api, token(key, key_id="k1"))).status == 200
    assert (await with_token(api, token(other, key_id="for encryption"))).status == 401


async def test_tokens_that_do_not_fit_the_published_keys_are_refused(api: Api, provider: Provider) -> None:
    key, shared = rsa("k1"), OctKey.generate_key(256, {"kid": "k2"})
    provider.keys = [key.as_dict(private=False), shared.as_dict(private=True)]
    refused = {
        "no key named": token(key),
        "unknown key": token(key, key_id="k9"),
        "signed by another": token(rsa("k1"), key_id="k1"),
        "algorithm not allowed": token(key, key_id="k1", algorithm="PS256"),
        "a shared secret": token(shared, key_id="k2", algorithm="HS256"),
        "the public key as a secret": confused(key, key_id="k1"),
        "another issuer": token(key, key_id="k1", iss="https://other.example.com"),
        "no identity claim": token(key, key_id="k1", email=None),
    }

    assert {what: (await with_token(api, text)).status for what, text in refused.items()} == dict.fromkeys(refused, 401)


async def test_unknown_keys_make_us_fetch_at_a_limited_rate(
    api: Api, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = rsa("old"), rsa("new")
    provider.keys = [old.as_dict(private=False)]
    await with_token(api, token(old, key_id="old"))
    provider.keys = [new.as_dict(private=False)]

    too_soon = [(await with_token(api, token(new, key_id="new"))).status for _ in range(5)]
    asked = provider.asked
    monkeypatch.setattr(jwks, "RETRY_SECONDS", 0.0)
    later = await with_token(api, token(new, key_id="new"))

    assert (too_soon, asked) == ([401] * 5, 1)
    assert (later.status, provider.asked) == (200, 2)


async def test_known_keys_stay_good_while_the_provider_is_down(
    api: Api, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = rsa("k1")
    provider.keys = [key.as_dict(private=False)]
    await with_token(api, token(key, key_id="k1"))
    provider.down = True
    monkeypatch.setattr(jwks, "KEEP_SECONDS", 0.0)
    monkeypatch.setattr(jwks, "RETRY_SECONDS", 0.0)

    assert (await with_token(api, token(key, key_id="k1"))).status == 200
    assert provider.asked == 2


async def test_without_any_key_it_is_our_fault_not_the_callers(api: Api, provider: Provider) -> None:
    provider.down = True

    answer = await with_token(api, token(rsa("k1"), key_id="k1"))

    assert (answer.status, answer.json["type"]) == (503, "urn:ticket-export:problem:unavailable")
    assert "Retry-After" in answer.headers


async def test_there_is_no_sign_in_page(api: Api) -> None:
    async with aiohttp.ClientSession() as http, http.get(f"{api.url}/staff/sign-in") as answer:
        assert answer.status == 404
