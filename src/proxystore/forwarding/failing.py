"""What went wrong upstream, told to the client in the words of the API that it called."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, ClassVar, Final

import aiohttp
from aiohttp.http import HttpProcessingError

from proxystore import wire
from proxystore.errors import ProxyStoreError
from proxystore.values import Denial
from proxystore.wire import Formats

if TYPE_CHECKING:
    from proxystore.exchange.asgi import Scope, Send
    from proxystore.settings import UpstreamURL
    from proxystore.wire import WireFormat

logger = logging.getLogger(__name__)

UPSTREAM_ERRORS: Final = (aiohttp.ClientError, HttpProcessingError, OSError)
"""All that the client library raises when it is the upstream's doing; a timeout is an ``OSError``."""

UNAVAILABLE: Final = Denial(
    status=502, code="upstream_unavailable", message="The upstream cannot be reached, or gave no answer."
)
TIMEOUT: Final = Denial(status=504, code="upstream_timeout", message="The upstream did not answer in time.")
NO_TUNNEL: Final = Denial(
    status=501, code="not_implemented", message="This proxy opens no tunnels: CONNECT is refused."
)
NO_METHOD: Final = Denial(status=400, code="invalid_method", message="What this request calls its method is none.")
NOT_BELOW: Final = Denial(status=400, code="invalid_path", message="This path leads out of what is forwarded to.")

_FORMATS: Final = Formats(wire.BUILT_IN)


class UpstreamBrokeOff(ProxyStoreError):
    """The upstream broke off in the middle of its answer, and so does the answer to the client."""

    is_told: ClassVar[bool] = True  # by `broke_off`: a server need not show where it went through us


def broke_off(error: Exception, url: UpstreamURL) -> UpstreamBrokeOff:
    """Return what breaks the answer to the client off; the log is told where and why."""
    broken = UpstreamBrokeOff()
    logger.warning("%s: %s (%s)", url, broken, type(error).__name__)
    return broken


class Unsendable(aiohttp.ClientError):
    """The upstream's answer is one that no server can send on."""


class UpstreamRefused(Exception):
    """The upstream has answered the opening of a WebSocket with something else."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.headers = headers
        self.body = body


def denial_for(error: Exception, url: UpstreamURL) -> Denial:
    """Return what the client is told of *error*; the log is told where and why."""
    denial = TIMEOUT if isinstance(error, TimeoutError) else UNAVAILABLE
    # Only these name the host alone; the others' words hold the request's URL, whose query may hold a key.
    told = f": {error}" if isinstance(error, aiohttp.ClientConnectorError) else ""
    logger.warning("%s: %s (%s%s)", url, denial.message, type(error).__name__, told)
    return denial


async def refuse(denial: Denial, scope: Scope, send: Send) -> None:
    """Answer with *denial* in the shape of the called API; on a WebSocket as far as the server can."""
    method = scope.get("method", "GET")
    body = _worded(denial, scope, method)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": denial.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})
    else:
        await refuse_websocket(denial.status, headers, body, scope, send)


async def refuse_websocket(
    status: int, headers: list[tuple[bytes, bytes]], body: bytes, scope: Scope, send: Send
) -> None:
    """Answer the opening of a WebSocket; a server that can send no answer of ours sends its own 403."""
    if "websocket.http.response" in (scope.get("extensions") or {}):
        await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": body})
    else:
        await send({"type": "websocket.close"})


def _worded(denial: Denial, scope: Scope, method: str) -> bytes:
    format: WireFormat | None = scope.get("proxystore")  # the middleware's mark: it knows the formats of plugins too
    if format is None:
        format = _FORMATS.find(method, scope["path"].removeprefix(scope.get("root_path", "")))
    return format.refuse(denial)
