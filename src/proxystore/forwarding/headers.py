"""Header fields on their way through a proxy: which go on, and which end here (RFC 9110, section 7.6.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from multidict import CIMultiDict

from proxystore.errors import ProxyStoreError
from proxystore.exchange.client_ip import is_trusted

if TYPE_CHECKING:
    from proxystore.exchange.asgi import Scope
    from proxystore.exchange.client_ip import Networks

RawHeaders: TypeAlias = Sequence[tuple[bytes, bytes]]

_HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_FOR, _HOST, _PROTO = b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"
# Our server has answered `Expect: 100-continue` by the time the body is read; the others are told anew.
_RETOLD: Final = _HOP_BY_HOP | {b"expect", b"host", _FOR, _HOST, _PROTO}
_HANDSHAKE: Final = frozenset(
    {
        b"sec-websocket-accept",
        b"sec-websocket-extensions",
        b"sec-websocket-key",
        b"sec-websocket-protocol",
        b"sec-websocket-version",
    }
)
_LENGTH: Final = frozenset({b"content-length"})
_BODILESS: Final = frozenset({204, 304})
_SECURE: Final = frozenset({"https", "wss"})
_FORBIDDEN: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class Unwritable(ProxyStoreError):
    """A value in the header of this request cannot be passed on."""

    def __init__(self, name: bytes, why: str) -> None:
        super().__init__(f"The value of {name.decode('latin-1')} cannot be passed on: {why}.")


def for_upstream(scope: Scope, authorization: str | None, trusted: Networks) -> CIMultiDict[str]:
    """Return what the upstream is told, ``Host`` excepted: that is the client library's.

    Args:
        scope: The request's.
        authorization: Takes the place of the client's own, if the upstream needs it.
        trusted: Those whose word on how a request came is passed on.

    Raises:
        Unwritable: There is a value that cannot be written as it is.
    """
    given: RawHeaders = scope["headers"]
    told = dict(given)
    ending = _ending_here(given, told, _RETOLD)
    if b"transfer-encoding" in told:  # a length beside a coding is void, and would have the upstream wait for the next
        ending |= _LENGTH
    if scope["type"] == "websocket":
        ending |= _HANDSHAKE
    headers = CIMultiDict([(name.decode("latin-1"), _text(name, value)) for name, value in given if name not in ending])
    if b"cookie" in told and len(pieces := headers.getall("cookie", [])) > 1 and scope.get("http_version", "") >= "2":
        headers["cookie"] = "; ".join(pieces)  # RFC 9113, section 8.2.3
    if authorization is not None:
        headers["authorization"] = authorization
    _tell_origin(headers, scope, told, trusted)
    return headers


def is_sendable(headers: RawHeaders) -> bool:
    """Tell whether a server takes the values of *headers*: some would break off instead."""
    return _FORBIDDEN.search(b"".join([value for _, value in headers])) is None


def for_client(given: RawHeaders, status: int) -> list[tuple[bytes, bytes]]:
    """Return what the client is told of the upstream's answer."""
    lowered = [(name.lower(), value) for name, value in given]
    told = dict(lowered)
    ending = _ending_here(lowered, told, _HOP_BY_HOP)
    # A length beside a coding is void; and servers hold an empty body to the length they were told.
    if b"transfer-encoding" in told or status in _BODILESS:
        ending |= _LENGTH
    return [header for header in lowered if header[0] not in ending]


def for_accepted_client(given: RawHeaders) -> list[tuple[bytes, bytes]]:
    """Return what the client is told when the upstream has accepted its WebSocket; the handshake is its server's."""
    return [header for header in for_client(given, 101) if header[0] not in _HANDSHAKE]


def _ending_here(headers: RawHeaders, told: dict[bytes, bytes], always: frozenset[bytes]) -> frozenset[bytes]:
    """Return *always*, and what the sender itself has said to be about this connection alone."""
    if b"connection" not in told:
        return always
    return always | _words(b",".join(value for name, value in headers if name == b"connection"))


@lru_cache(maxsize=64)
def _words(text: bytes) -> frozenset[bytes]:
    return frozenset(word.strip().lower() for word in text.split(b","))


def _tell_origin(headers: CIMultiDict[str], scope: Scope, told: dict[bytes, bytes], trusted: Networks) -> None:
    hops = [_text(name, value) for name, value in scope["headers"] if name == _FOR] if _FOR in told else []
    client = scope.get("client")
    if client:
        hops.append(client[0])
    if hops:
        headers["x-forwarded-for"] = ", ".join(hops)
    is_believed = (_HOST in told or _PROTO in told) and is_trusted(scope, trusted)
    host, proto = (told.get(_HOST), told.get(_PROTO)) if is_believed else (None, None)
    headers["x-forwarded-host"] = _text(_HOST, host or told.get(b"host", b""))
    headers["x-forwarded-proto"] = (
        _text(_PROTO, proto) if proto else "https" if scope.get("scheme") in _SECURE else "http"
    )


def _text(name: bytes, raw: bytes) -> str:
    """Return the value *raw* of *name* so that aiohttp, which writes UTF-8, writes the same bytes again."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Unwritable(name, "it is no UTF-8") from None
    if not text.isprintable() and _FORBIDDEN.search(raw) is not None:
        raise Unwritable(name, "there is a control character in it")
    return text
