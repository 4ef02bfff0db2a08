"""What a request may take before its model is asked: 1 MB of body, 10 seconds for it to arrive, a place among 256.

All of it is refused before anything parses it. `/health` and `/ready` need no place: a full server is not taken for a
dead one. Not covered: headers that never end, which hold a connection and no place; uvicorn refuses beyond `CONNECTIONS`.
"""

import asyncio

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .chat import error

MAX_BYTES = 1_000_000
BODY_SECONDS = 10.0
PLACES = 256
"""Requests that are read or answered at once."""
CONNECTIONS = 1000
ALWAYS = ("/health", "/ready")


class BodyLimit:
    """ASGI middleware; answers 413 (too large), 408 (too slow) or 503 with Retry-After (too many)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app, self._taken = app, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in ALWAYS:
            await self.app(scope, receive, send)
            return
        if self._taken >= PLACES:
            refusal = JSONResponse(error("too many requests at once; try again", "server_error"), 503, {"Retry-After": "1"})
            await refusal(scope, receive, send)
            return
        self._taken += 1
        try:
            await self._with_its_body(scope, receive, send)
        finally:
            self._taken -= 1

    async def _with_its_body(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("POST", "PUT", "PATCH"):
            await self.app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > MAX_BYTES:
            await _too_large(scope, receive, send)
            return
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(receive)
        except TimeoutError:
            late = error(f"the body did not arrive within {BODY_SECONDS:g} seconds", code="body_too_slow")
            await JSONResponse(late, 408, {"Connection": "close"})(scope, receive, send)
            return
        if body is None:
            return
        if len(body) > MAX_BYTES:
            await _too_large(scope, receive, send)
            return
        await self.app(scope, _replay(body, receive), send)


async def _body(receive: Receive) -> bytes | None:
    """The body, or as much of it as is too large; None where the caller left."""
    body, more = b"", True
    while more and len(body) <= MAX_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


async def _too_large(scope: Scope, receive: Receive, send: Send) -> None:
    response = JSONResponse(error(f"the body is larger than {MAX_BYTES} bytes", code="body_too_large"), 413)
    await response(scope, receive, send)
