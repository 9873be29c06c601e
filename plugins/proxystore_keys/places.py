"""Where callers put their keys, in the order in which these places are looked at; emptied again when one was ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple
from urllib.parse import unquote_plus

from proxystore import Request

_HEADERS: Final = (b"authorization", b"x-api-key", b"x-goog-api-key", b"api-key")
_QUERY: Final = b"key"
_SUBPROTOCOL: Final = "openai-insecure-api-key."
"""What OpenAI's realtime clients in a browser put their key behind: they cannot set a header."""


class Shown(NamedTuple):
    """A credential that came with a request.

    Attributes:
        kind: What sort of place it stood in.
        name: Which: of a header or a parameter its name, of a subprotocol the whole of it.
        secret: What it is.
    """

    kind: Literal["own", "header", "query", "subprotocol"]
    name: bytes
    secret: bytes


class Places:
    """Where a key may stand.

    Args:
        own: The name of the header that is for keys of ours alone.
    """

    def __init__(self, own: bytes) -> None:
        self._own = own
        self._elsewhere = frozenset((own, *_HEADERS[1:]))

    def are_more(self, request: Request) -> bool:
        """Tell whether something stands, or may stand, elsewhere than in ``Authorization``."""
        scope = request.scope
        return request.has_any(self._elsewhere) or scope["type"] != "http" or b"key=" in scope.get("query_string", b"")

    def look(self, request: Request) -> Iterator[Shown]:
        """Yield what stands where a key may."""
        value = request.header(self._own)
        if value:
            yield Shown("own", self._own, _without_scheme(value))
        for name in _HEADERS:
            value = request.header(name)
            if value:
                yield Shown("header", name, _without_scheme(value))
        if b"key=" in request.scope.get("query_string", b""):
            yield from _parameters(request)
        if request.is_websocket:
            yield from _subprotocols(request)

    def empty(self, request: Request, shown: Shown) -> None:
        """Hide from the proxy what stands elsewhere than in a header; whatever else the request carries stays."""
        if shown.kind == "query":
            request.remove_query(shown.name)
        else:
            request.remove_subprotocol(shown.name.decode())


def _without_scheme(value: bytes) -> bytes:
    if value[:7] == b"Bearer ":
        return value[7:].strip()
    scheme, _, rest = value.partition(b" ")
    return rest.strip() if scheme.lower() == b"bearer" else value.strip()


def _parameters(request: Request) -> Iterator[Shown]:
    for pair in request.scope["query_string"].split(b"&"):
        name, _, value = pair.partition(b"=")
        if name == _QUERY and value:
            yield Shown("query", _QUERY, unquote_plus(value.decode("latin-1")).encode())


def _subprotocols(request: Request) -> Iterator[Shown]:
    for offered in request.scope.get("subprotocols", ()):
        secret = offered.removeprefix(_SUBPROTOCOL)
        yield Shown("subprotocol", offered.encode(), secret.encode())
