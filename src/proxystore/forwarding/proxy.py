"""The reverse proxy: configuration only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from proxystore.errors import SettingsError
from proxystore.forwarding.failing import NO_METHOD, NO_TUNNEL, NOT_BELOW, refuse
from proxystore.forwarding.headers import Unwritable, for_upstream
from proxystore.forwarding.relay import Relay
from proxystore.forwarding.upstream import Upstream
from proxystore.forwarding.websocket import WebSocketRelay
from proxystore.values import Denial

if TYPE_CHECKING:
    from proxystore.exchange.asgi import Receive, Scope, Send
    from proxystore.exchange.client_ip import Networks
    from proxystore.settings import ForwardSettings

_SEPARATOR: Final = re.compile(r"[/\\]")
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2


class ReverseProxy:
    """An ASGI application that passes every request on to one place, and every chunk of the answer back as it comes.

    Nothing is buffered, translated, retried or followed. What is about one hop alone (RFC 9110, section 7.6.1) ends
    here, ``X-Forwarded-For``, ``-Host`` and ``-Proto`` are added, everything else goes on byte for byte. An upstream
    that cannot be reached gives 502, one that does not answer 504, in the words of the API that was called.

    Args:
        settings: Where to, and how patiently.
        trusted_proxies: Those in front of us whose ``X-Forwarded-Host`` and ``-Proto`` are passed on.

    Raises:
        SettingsError: There is no URL.
    """

    def __init__(self, settings: ForwardSettings, *, trusted_proxies: Networks = ()) -> None:
        if settings.url is None:
            raise SettingsError("a reverse proxy needs the URL of its upstream")
        self._url = settings.url
        self._trusted = trusted_proxies
        self._upstream = Upstream(settings.url, settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve (ASGI)."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        try:
            denial = self._denial(scope)
            headers = for_upstream(scope, self._url.authorization, self._trusted)
        except Unwritable as error:
            denial = Denial(status=400, code="invalid_header", message=str(error))
        if denial is not None:
            if scope["type"] == "websocket":
                await receive()  # websocket.connect: an answer before it is out of turn
            await refuse(denial, scope, send)
            return
        relay = Relay if scope["type"] == "http" else WebSocketRelay
        await relay(self._upstream, headers, scope, receive, send).run()

    def _denial(self, scope: Scope) -> Denial | None:
        method: str = scope.get("method", "GET")
        if method == "CONNECT":
            return NO_TUNNEL
        if not method.isalpha() and _TOKEN.fullmatch(method) is None:
            return NO_METHOD
        # Upstream it might mean a place beside the one that was given.
        return NOT_BELOW if self._url.path and ".." in _SEPARATOR.split(scope["path"]) else None

    async def close(self) -> None:
        """Close every connection, where no server's lifespan does; twice does no harm."""
        await self._upstream.close()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await self._upstream.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})
