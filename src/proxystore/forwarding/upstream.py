"""The upstream, seen through aiohttp: one pool of connections for each event loop."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import aiohttp
from typing_extensions import override
from yarl import URL

from proxystore.forwarding.failing import Unsendable, UpstreamRefused
from proxystore.forwarding.headers import for_client, is_sendable

if TYPE_CHECKING:
    from multidict import CIMultiDict

    from proxystore.exchange.asgi import Scope
    from proxystore.forwarding.client import RequestBody
    from proxystore.settings import ForwardSettings, UpstreamURL

_OURS: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")  # what aiohttp would add
# uvicorn, and with it vLLM, closes a connection that is idle for five seconds; ours must not be on its way then.
_LONGEST_IDLE: Final = 4.0
_LONGEST_FIELD: Final = 64 * 1024
_LONGEST_REFUSAL: Final = 1024 * 1024
_VISIBLE: Final = "".join(map(chr, range(0x21, 0x7F))).replace("#", "")
_FINAL: Final = range(200, 600)  # what a server can send; 101 was not asked for


class WebSocket(aiohttp.ClientWebSocketResponse):
    """A WebSocket that remembers how it was accepted."""

    @override
    def __init__(
        self, reader: Any, writer: Any, protocol: str | None, response: aiohttp.ClientResponse, *more: Any, **named: Any
    ) -> None:
        super().__init__(reader, writer, protocol, response, *more, **named)
        self.raw_headers = response.raw_headers


class Upstream:
    """Sends requests to one place and nowhere else.

    Redirects are answers like any other, cookies and environment variables are nobody's business here, and names
    are verified against the system's certificates.
    """

    def __init__(self, url: UpstreamURL, settings: ForwardSettings) -> None:
        self.url = url
        self._origin = f"{url.scheme}://{url.authority}{url.path}"
        self._settings = settings
        self._loop: asyncio.AbstractEventLoop | None = None
        self._http: aiohttp.ClientSession | None = None
        self._websockets: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the pool of the running loop; there is no connection before the first request."""
        await self.close()
        settings = self._settings
        connector = aiohttp.TCPConnector(limit=settings.max_connections, keepalive_timeout=_LONGEST_IDLE)
        timeout = aiohttp.ClientTimeout(
            total=None, connect=settings.connect_timeout or None, sock_read=settings.read_timeout or None
        )
        self._http = _session(connector, timeout)
        # Of its own, for aiohttp would follow redirects where a WebSocket is opened.
        self._websockets = _session(connector, timeout, connector_owner=False, middlewares=(_refuse_answers,))
        self._loop = asyncio.get_running_loop()

    async def close(self) -> None:
        """Close every connection; twice does no harm."""
        sessions, self._http, self._websockets = (self._websockets, self._http), None, None
        for session in sessions:
            if session is not None:
                with suppress(RuntimeError):  # its loop has ended: some test clients have one for each request
                    await session.close()

    async def request(self, scope: Scope, headers: CIMultiDict[str], body: RequestBody) -> aiohttp.ClientResponse:
        """Forward one request; its answer has begun when this returns.

        Raises:
            aiohttp.ClientError: Any of `UPSTREAM_ERRORS`.
        """
        session = await self._session_for(scope)
        url, method = self._target(scope, self._origin), scope["method"]
        once = None if body is None or method == "POST" else (_once,)  # POST is never sent again
        response = await session.request(
            method, url, headers=headers, data=body, allow_redirects=False, middlewares=once
        )
        if response.status not in _FINAL or not is_sendable(response.raw_headers):
            response.close()
            raise Unsendable
        return response

    async def connect(self, scope: Scope, headers: CIMultiDict[str]) -> WebSocket:
        """Open a WebSocket.

        Raises:
            UpstreamRefused: There was another answer.
            aiohttp.ClientError: Any of `UPSTREAM_ERRORS`.
        """
        session = await self._session_for(scope)
        url = self._target(scope, self._origin.replace("http", "ws", 1))
        async with asyncio.timeout(self._settings.connect_timeout or None):
            opened = await session.ws_connect(
                url, headers=headers, protocols=tuple(scope.get("subprotocols") or ()), max_msg_size=0
            )
        assert isinstance(opened, WebSocket)  # noqa: S101 — the session makes no others
        if not is_sendable(opened.raw_headers):
            await opened.close()
            raise Unsendable
        return opened

    async def _session_for(self, scope: Scope) -> aiohttp.ClientSession:
        if self._http is None or self._loop is not asyncio.get_running_loop():
            await self.open()
        session = self._http if scope["type"] == "http" else self._websockets
        assert session is not None  # noqa: S101 — it is open
        return session

    def _target(self, scope: Scope, origin: str) -> URL:
        """Return where the request goes: path and query as the client wrote them, byte for byte where they may."""
        raw: bytes | None = scope.get("raw_path")  # optional in ASGI
        path = quote(scope["path"]) if raw is None else raw.decode("latin-1")
        path = path.removeprefix(quote(scope.get("root_path", "")))
        if not path.startswith("/"):  # as in `OPTIONS *`: it must not become a part of the host's name
            path = f"/{path}"
        query: bytes = scope.get("query_string", b"")
        target = f"{path}?{query.decode('latin-1')}" if query else path
        return URL(origin + _written(target), encoded=True)  # remembered by yarl, and much faster than parts


def _written(target: str) -> str:
    """Return *target* without what would end it: over HTTP/2 it may hold anything, a space and another version, too."""
    if target.isascii() and target.isprintable() and " " not in target and "#" not in target:
        return target
    return quote(target.encode("latin-1"), safe=_VISIBLE)


def _session(connector: aiohttp.BaseConnector, timeout: aiohttp.ClientTimeout, **more: Any) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=_OURS,
        max_line_size=_LONGEST_FIELD,
        max_field_size=_LONGEST_FIELD,
        ws_response_class=WebSocket,
        **more,
    )


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a body, or what is left of it, again where a kept connection has been closed."""
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        if isinstance(error, aiohttp.ClientConnectorError):
            raise  # nothing was sent
        raise aiohttp.ClientConnectionError from error


async def _refuse_answers(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Take what is no WebSocket for the answer that the client is given."""
    response = await handler(request)
    if response.status == 101:
        return response
    try:
        body = await response.content.read(_LONGEST_REFUSAL)
    finally:
        response.close()
    if not is_sendable(response.raw_headers):
        raise Unsendable
    raise UpstreamRefused(response.status, for_client(response.raw_headers, response.status), body)
