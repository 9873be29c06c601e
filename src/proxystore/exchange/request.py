"""The way in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote_plus

import msgspec

from proxystore.errors import ProxyStoreError
from proxystore.exchange.body import Body, ClientGone
from proxystore.exchange.client_ip import Networks, client_ip
from proxystore.exchange.multipart import FieldSeeker, boundary_of
from proxystore.wire import decode_body, limit_headers, mended

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from collections.abc import Set as AbstractSet

    from proxystore.exchange.asgi import Receive, Scope
    from proxystore.values import Call, Headers, Quota
    from proxystore.wire import Route

__all__ = ["ClientGone", "Request"]

_JSON: Final = b"application/json"
_TOO_LATE: Final = "a request can be edited in on_auth and on_request only"


class Snapshot(NamedTuple):
    """A request as the proxy would see it."""

    scope: Scope
    body: bytes


class Request:
    """What the client sent; what the proxy will see after plugins have edited it.

    Attributes:
        scope: ASGI's scope as the proxy will see it; edit it through the methods here.
        format: The wire format that knows this method and path, else the null object ``Unknown``.
        provider_name: Whose API that is, as it is recorded, such as ``openai``.
        path: The decoded path without ``root_path`` and query, as the client called it.
        is_claimed: Whether a wire format knows what is called here.
        header: Called with a header's name (lower case), returns its value, the last one if there are several, or
            ``None``.
        call: What is asked of the model, always as the *client* said it; little is known before the body was read.
        readable_body: The body, decoded, once it has been read; empty if it cannot be (for the core).
        body: What was read of the body and what is still to come (for the core).
        is_dispatched: Whether the proxy has been called, after which nothing can be edited; set by the core.
    """

    __slots__ = (
        "_headers",
        "_is_copied",
        "_is_read",
        "_limit",
        "_trusted",
        "body",
        "call",
        "format",
        "header",
        "is_claimed",
        "is_dispatched",
        "path",
        "provider_name",
        "readable_body",
        "scope",
    )

    header: Callable[[bytes], bytes | None]

    def __init__(
        self, scope: Scope, receive: Receive, path: str, route: Route, *, limit: int, trusted: Networks = ()
    ) -> None:
        self.scope = scope
        self.path = path
        self.format, self.provider_name, self.call, self.is_claimed = route
        self.body = Body(receive, limit)
        self.is_dispatched = self._is_copied = self._is_read = False
        self.readable_body = b""
        self._limit = limit
        self._trusted = trusted
        self._headers: dict[bytes, bytes] = dict(scope["headers"])
        self.header = self._headers.get

    # -- what was said --------------------------------------------------------------------------------------------

    @property
    def method(self) -> str:
        """``POST`` and so on; ``GET`` on a WebSocket."""
        method: str = self.scope.get("method", "GET")
        return method

    @property
    def is_websocket(self) -> bool:
        """Whether this is the opening of a WebSocket."""
        return bool(self.scope["type"] == "websocket")

    @property
    def client_ip(self) -> str | None:
        """The caller's address; ``X-Forwarded-For`` is believed only from ``trusted_proxies``."""
        return client_ip(self.scope, self.joined_header(b"x-forwarded-for"), self._trusted)

    def has_any(self, names: AbstractSet[bytes]) -> bool:
        """Tell whether one of the headers called *names* (lower case) was sent."""
        return not names.isdisjoint(self._headers)

    def joined_header(self, name: bytes) -> bytes | None:
        """Return the value of the header *name* (lower case); of several, which mean one list, all of them."""
        headers = self.scope["headers"]
        if len(headers) == len(self._headers):  # nothing was sent twice
            return self._headers.get(name)
        return b", ".join(value for sent, value in headers if sent == name) or None

    async def read(self) -> bytes:
        """Return the body as it came; read once, kept, handed on to the proxy.

        Raises:
            BodyTooLarge: It is longer than ``max_body_bytes``; the client gets 413.
            ClientGone: The client went away meanwhile; nobody waits for an answer.
        """
        body = self.body.whole
        if body is None:
            body = await self.body.read()
        if not self._is_read:
            encoding = self.header(b"content-encoding")
            self._understand((decode_body(body, encoding, self._limit) or b"") if encoding else body)
        return body

    async def read_call(self) -> Call:
        """Read as much of the body as it takes to know :attr:`call`: of a form only up to its ``model`` field.

        Raises:
            BodyTooLarge: As :meth:`read`.
            ClientGone: As :meth:`read`.
        """
        kind = self.header(b"content-type")
        boundary = None if kind is None or kind == _JSON else boundary_of(kind)
        if boundary is None:
            await self.read()
        elif not self._is_read and self.call.request_model is not None:
            self._is_read = True  # the path names the model: not a byte of the form has to wait
        elif not self._is_read:
            model = FieldSeeker(boundary, b"model")
            await self.body.peek(model)
            if model.value is None:
                await self.read()  # whatever it is called, it may be something else than a form
            else:
                self._understand(msgspec.json.encode({"model": model.value.decode("utf-8", "replace")}))
        return self.call

    def _understand(self, body: bytes) -> None:
        """Take note of what *body*, as far as it was read, asks for."""
        self._is_read = True
        self.readable_body = body
        if not body or not self.is_claimed:
            return
        call = self.format.read(self.path, body)
        if call == self.call and (read := mended(body)) is not None:
            # The body told nothing, it seems: what the proxy may understand must not pass unread.
            self.readable_body, call = read, self.format.read(self.path, read)
        self.call = call

    def limit_headers(self, quotas: Sequence[Quota]) -> Headers:
        """Return headers that tell *quotas* in the words of the API that was called."""
        return limit_headers(self.format, quotas, datetime.now(UTC))

    # -- what the proxy will see ----------------------------------------------------------------------------------

    def set_header(self, name: bytes, value: bytes) -> None:
        """Let the proxy see the header *name* (lower case) with *value*, once."""
        self.remove_header(name)
        self._own_scope()["headers"] = [*self.scope["headers"], (name, value)]
        self._headers[name] = value

    def remove_header(self, name: bytes) -> None:
        """Hide the header *name* (lower case) from the proxy."""
        scope = self._own_scope()
        value = self._headers.pop(name, None)
        if value is None:
            return
        kept = [*scope["headers"]]
        try:  # noqa: SIM105  nearly every request comes by here
            kept.remove((name, value))
        except ValueError:  # the server has lists for pairs
            pass
        if len(kept) > len(self._headers):  # then it is there still, or was sent twice
            kept = [header for header in kept if header[0] != name]
        scope["headers"] = kept

    def remove_query(self, name: bytes) -> None:
        """Hide the query parameter *name* from the proxy; what is left of the query keeps every byte."""
        query: bytes = self.scope.get("query_string", b"")
        wanted = name.decode()
        kept = [pair for pair in query.split(b"&") if unquote_plus(pair.partition(b"=")[0].decode("latin-1")) != wanted]
        self._own_scope()["query_string"] = b"&".join(kept)

    def remove_subprotocol(self, name: str) -> None:
        """Hide from the proxy that a WebSocket's client offered the subprotocol *name*."""
        offered = [each for each in self.scope.get("subprotocols", ()) if each != name]
        self._own_scope()["subprotocols"] = offered
        if offered:
            self.set_header(b"sec-websocket-protocol", ", ".join(offered).encode())
        else:
            self.remove_header(b"sec-websocket-protocol")

    def replace_body(self, body: bytes) -> None:
        """Let the proxy see *body*, not encoded, instead; ``content-length`` follows, :attr:`call` does not change."""
        self._own_scope()
        self.body.replace(body)
        self.remove_header(b"content-encoding")
        if self.header(b"content-length") is not None:
            self.set_header(b"content-length", b"%d" % len(body))

    # -- for the core ---------------------------------------------------------------------------------------------

    @property
    def declared_length(self) -> int:
        """``content-length``, 0 if there is none."""
        length = self._headers.get(b"content-length")
        return int(length) if length is not None and length.isdigit() else 0

    def remove_extension(self, name: str) -> None:
        """Hide from the proxy that the server offers the ASGI extension *name*."""
        offered = self.scope.get("extensions") or {}
        if name in offered:
            self._own_scope()["extensions"] = {each: offered[each] for each in offered if each != name}

    def snapshot(self) -> Snapshot:
        """Return what the proxy would see now; the body has been read."""
        return Snapshot({**self.scope}, self.body.whole or b"")

    def restore(self, snapshot: Snapshot) -> None:
        """Let the proxy see what it would have seen when *snapshot* was taken."""
        self.scope = snapshot.scope
        self._headers = dict(snapshot.scope["headers"])
        self.header = self._headers.get
        self.body.replace(snapshot.body)

    def _own_scope(self) -> Scope:
        if self.is_dispatched:
            raise ProxyStoreError(_TOO_LATE)
        if not self._is_copied:
            self.scope = {**self.scope}
            self._is_copied = True
        return self.scope
