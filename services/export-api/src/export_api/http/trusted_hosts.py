"""Refuses requests under a name that is not ours: a foreign page must not reach us by a DNS entry of its own.

Probes and metrics are exempt, since an orchestrator calls them by address.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from export_api.errors import UntrustedHostError
from export_api.http.problems import problem_of, respond

EXEMPT_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})


class TrustedHosts:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or let it through."""
        if scope["type"] != "http" or scope["path"] in EXEMPT_PATHS or self._trusts(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        await respond(Request(scope), problem_of(UntrustedHostError()))(scope, receive, send)

    def _trusts(self, headers: Headers) -> bool:
        try:
            return (urlsplit(f"//{headers.get('host', '')}").hostname or "") in self._hosts
        except ValueError:
            return False
