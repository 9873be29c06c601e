"""Refusals, worded in the shape of the API that was called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from proxystore import wire
from proxystore.asgi import endpoints
from proxystore.exchange import Request
from proxystore.values import Denial
from proxystore.wire import Formats

if TYPE_CHECKING:
    from uuid import UUID

    from proxystore.exchange.asgi import Receive, Scope, Send

UNDECIDED: Final = Denial(
    status=503,
    code="store_unavailable",
    message="This request cannot be checked at the moment. Try again in a moment.",
    retry_after=1,
)
TOO_LARGE: Final = Denial(
    status=413, code="body_too_large", message="The request body is larger than this proxy accepts."
)


def worded(denial: Denial, request: Request) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Return headers and body of *denial* in the shape of the called API."""
    body = request.format.refuse(denial)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *denial.headers]
    if denial.retry_after is not None:
        headers.append((b"retry-after", b"%d" % -(-denial.retry_after // 1)))  # whole seconds, rounded up
    return headers, b"" if request.method == "HEAD" else body


def request_id_header(identity: UUID) -> tuple[bytes, bytes]:
    """Return the header that tells the client the exchange's id."""
    return b"x-proxystore-request-id", msgspec.json.encode(identity)[1:-1]


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 503 to a request, or close a WebSocket before it opens: there is no open house to ask."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1013, "reason": UNDECIDED.message})
        return
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    if path in {f"{endpoints.PREFIX}live", f"{endpoints.PREFIX}ready"}:
        await endpoints.respond(path, scope["method"], None, send)
        return
    route = Formats(wire.BUILT_IN).route(scope["method"], path)
    headers, body = worded(UNDECIDED, Request(scope, receive, path, route, limit=0))
    await send({"type": "http.response.start", "status": UNDECIDED.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
