"""One WebSocket, message by message, both ways."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import aiohttp

from proxystore.forwarding.failing import UPSTREAM_ERRORS, UpstreamRefused, denial_for, refuse, refuse_websocket
from proxystore.forwarding.headers import for_accepted_client

if TYPE_CHECKING:
    from multidict import CIMultiDict

    from proxystore.exchange.asgi import Receive, Scope, Send
    from proxystore.forwarding.upstream import Upstream, WebSocket

# RFC 6455, section 7.4: these are never sent, they tell that no code was.
_UNSENT: Final = {0: 1000, 1005: 1000, 1006: 1001, 1015: 1001}
_BROKE_OFF: Final = 1011


class WebSocketRelay:
    """Holds what one connection needs."""

    __slots__ = ("_headers", "_is_left", "_receive", "_scope", "_send", "_upstream")

    def __init__(
        self, upstream: Upstream, headers: CIMultiDict[str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._upstream = upstream
        self._headers = headers
        self._scope = scope
        self._receive = receive
        self._send = send
        self._is_left = False

    async def run(self) -> None:
        """Open a WebSocket upstream, accept the client's, and pass on what comes until either side closes."""
        await self._receive()  # websocket.connect: an answer before it is out of turn
        try:
            upstream = await self._upstream.connect(self._scope, self._headers)
        except UpstreamRefused as answer:
            await refuse_websocket(answer.status, answer.headers, answer.body, self._scope, self._send)
        except UPSTREAM_ERRORS as error:
            await refuse(denial_for(error, self._upstream.url), self._scope, self._send)
        else:
            await self._carry(upstream)

    async def _carry(self, upstream: WebSocket) -> None:
        headers = for_accepted_client(upstream.raw_headers)
        await self._send({"type": "websocket.accept", "subprotocol": upstream.protocol, "headers": headers})
        passing_in = asyncio.create_task(self._pass_in(upstream))
        try:
            await self._pass_out(upstream)
        finally:
            if not self._is_left:  # else it is saying good-bye, in the client's words
                passing_in.cancel()
            with suppress(asyncio.CancelledError):
                await passing_in
            await upstream.close()

    async def _pass_in(self, upstream: WebSocket) -> None:
        with suppress(*UPSTREAM_ERRORS):  # then the upstream has gone, which is found out where it is read
            while (message := await self._receive())["type"] == "websocket.receive":
                text: str | None = message.get("text")
                if text is not None:
                    await upstream.send_str(text)
                else:
                    await upstream.send_bytes(message["bytes"])
            self._is_left = True
            code = message.get("code") or 1005
            await upstream.close(code=_UNSENT.get(code, code), message=(message.get("reason") or "").encode())

    async def _pass_out(self, upstream: WebSocket) -> None:
        while True:
            message = await upstream.receive()
            if message.type is aiohttp.WSMsgType.TEXT:
                await self._send({"type": "websocket.send", "text": message.data})
            elif message.type is aiohttp.WSMsgType.BINARY:
                await self._send({"type": "websocket.send", "bytes": message.data})
            else:
                break
        if not self._is_left:
            is_orderly = message.type is aiohttp.WSMsgType.CLOSE
            code = _UNSENT.get(message.data, message.data) if is_orderly else _BROKE_OFF
            await self._send(
                {"type": "websocket.close", "code": code, "reason": message.extra or "" if is_orderly else ""}
            )
