"""Stops reading a request's body at a limit, whatever length it was announced with."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from export_api.errors import BodyTooLargeError

MOST_BODY_BYTES = 64 * 1024


class BodyLimit:
    """ASGI middleware: whoever reads too much gets BodyTooLargeError."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        total_bytes = 0

        async def limited() -> Message:
            nonlocal total_bytes
            message = await receive()
            total_bytes += len(message.get("body", b""))
            if total_bytes > MOST_BODY_BYTES:
                raise BodyTooLargeError
            return message

        await self._app(scope, limited, send)
