"""Letting pages of other origins read what we answer ourselves; what the proxy answers is the proxy's to open.

A browser hides an answer without these headers from the page that asked, and a refusal would look like a broken
connection. Preflights are the proxy's to answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from proxystore.exchange import Request

Header: TypeAlias = tuple[bytes, bytes]

_ALLOW: Final = b"access-control-allow-origin"
_EXPOSED: Final = (
    b"retry-after, www-authenticate, x-proxystore-request-id, x-should-retry, x-ratelimit-limit-requests, "
    b"x-ratelimit-remaining-requests, x-ratelimit-reset-requests, x-ratelimit-limit-tokens, "
    b"x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens"
)


def with_cors(headers: Iterable[Header], request: Request, origins: Sequence[str]) -> list[Header]:
    """Return *headers*, and those that let the page that sent *request* read our answer, if it may."""
    given = list(headers)
    origin = request.header(b"origin")
    if origin is None or not origins or any(name == _ALLOW for name, _ in given):
        return given
    given.append((b"vary", b"origin"))
    is_named = origin.decode("latin-1") in origins
    if is_named or "*" in origins:
        given += [(_ALLOW, origin), (b"access-control-expose-headers", _EXPOSED)]
    if is_named:
        given.append((b"access-control-allow-credentials", b"true"))
    return given
