"""Who may prove who they are in which way; made once at start from the settings."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

import aiohttp

from export_api.auth.claims import ClaimRules
from export_api.auth.demo_key import ALGORITHM, load_or_create
from export_api.auth.jwks import JwksKeys
from export_api.auth.sessions import Sessions
from export_api.auth.tokens import DemoTokens, ProviderTokens, TokenVerifier
from export_api.settings import ApiSettings


@dataclass(frozen=True, slots=True)
class Identity:
    """``sessions`` is None where there is no sign-in page."""

    tokens: TokenVerifier
    sessions: Sessions | None


async def open_identity(settings: ApiSettings, stack: AsyncExitStack) -> Identity:
    """Prepare the verification that AUTH_MODE asks for; raise DemoKeyError for an unusable key file."""
    if settings.auth_mode == "jwks":
        session = await stack.enter_async_context(aiohttp.ClientSession())
        rules = ClaimRules(settings.issuer, settings.jwt_audience, settings.algorithms, settings.identity_claim)
        return Identity(ProviderTokens(rules, JwksKeys(str(settings.jwt_jwks_url), session)), None)
    assert settings.demo_signing_key_file is not None  # noqa: S101 - the settings insist on it
    key = load_or_create(settings.demo_signing_key_file)
    rules = ClaimRules(settings.issuer, settings.jwt_audience, (ALGORITHM,))
    sessions = Sessions(key, issuer=settings.issuer, audience=settings.jwt_audience)
    return Identity(DemoTokens(rules, key), sessions)
