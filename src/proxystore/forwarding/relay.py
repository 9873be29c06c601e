"""One HTTP exchange: forwarded, and its answer passed back chunk by chunk."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from proxystore.exchange import ClientGone
from proxystore.forwarding.client import Client
from proxystore.forwarding.failing import UPSTREAM_ERRORS, broke_off, denial_for, refuse
from proxystore.forwarding.headers import for_client

if TYPE_CHECKING:
    import asyncio

    import aiohttp
    from multidict import CIMultiDict

    from proxystore.exchange.asgi import Receive, Scope, Send
    from proxystore.forwarding.client import RequestBody
    from proxystore.forwarding.upstream import Upstream
    from proxystore.values import Denial


class Relay:
    """Holds what one exchange needs."""

    __slots__ = ("_client", "_headers", "_scope", "_send", "_upstream")

    def __init__(
        self, upstream: Upstream, headers: CIMultiDict[str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._upstream = upstream
        self._headers = headers
        self._scope = scope
        self._send = send
        self._client = Client(receive)

    async def run(self) -> None:
        """Forward the request, then its answer; a client that leaves ends both.

        Raises:
            UpstreamBrokeOff: In the middle of the answer: the server breaks off too.
        """
        try:
            body = await self._client.body()
        except ClientGone:
            return
        async with self._client:
            response = await self._ask(body)
            if response is not None:
                try:
                    await self._answer(response)
                finally:
                    response.close()  # no connection is used again whose answer was not read to its end

    async def _ask(self, body: RequestBody) -> aiohttp.ClientResponse | None:
        try:
            return await self._upstream.request(self._scope, self._headers, body)
        except UPSTREAM_ERRORS as error:
            if not self._client.is_gone:
                await self._refuse(denial_for(error, self._upstream.url))
            return None

    async def _answer(self, response: aiohttp.ClientResponse) -> None:
        headers = for_client(response.raw_headers, response.status)
        await self._send({"type": "http.response.start", "status": response.status, "headers": headers})
        content = response.content
        if not content.is_eof():
            _tell_reader_of_end(response)
        while True:
            try:
                chunk = await content.readany()
            except UPSTREAM_ERRORS as error:
                raise broke_off(error, self._upstream.url) from error
            if content.at_eof():
                break
            await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
        self._client.stop_listening()
        await self._send({"type": "http.response.body", "body": chunk})

    async def _refuse(self, denial: Denial) -> None:
        self._client.stop_listening()
        await refuse(denial, self._scope, self._send)


def _tell_reader_of_end(response: aiohttp.ClientResponse) -> None:
    """Wake who reads *response* when its connection ends, whyever.

    aiohttp (3.14) closes a connection whose chunks it cannot parse, and lets the reader wait for ever.
    """
    protocol = None if response.connection is None else response.connection.protocol
    closed = None if protocol is None else protocol.closed
    if closed is not None:
        closed.add_done_callback(partial(_break_off, response.content))


def _break_off(content: aiohttp.StreamReader, closed: asyncio.Future[None]) -> None:
    error = closed.exception()
    if not content.is_eof() and content.exception() is None:
        content.set_exception(error or ConnectionResetError())
