"""Under which key an answer is kept: all that may change it, and whose it is before all else."""

from __future__ import annotations

import json
from collections.abc import Collection
from hashlib import sha256
from typing import Any, Final, Literal, TypeAlias

import msgspec

from proxystore import Exchange, Principal

Scope: TypeAlias = Literal["key", "project", "shared"]

_SCHEMA: Final = 1
_IGNORED: Final = frozenset(
    b"accept-encoding baggage cache-control cdn-loop cf-connecting-ip cf-connecting-ipv6 cf-connecting-o2o cf-ipcountry"
    b" cf-ray cf-visitor cf-warp-tag-id connection content-length date dnt expect forwarded"
    b" idempotency-key if-match if-modified-since if-none-match if-unmodified-since keep-alive pragma priority"
    b" proxy-connection referer save-data sentry-trace te traceparent tracestate transfer-encoding"
    b" upgrade-insecure-requests user-agent via x-amzn-trace-id x-client-request-id x-cloud-trace-context"
    b" x-correlation-id x-forwarded-for x-forwarded-port x-forwarded-proto x-forwarded-scheme x-forwarded-server"
    b" x-forwarded-ssl x-real-ip x-request-id x-request-start".split()
)
# Never `x-forwarded-` or `cf-`: what stands in front tells by `X-Forwarded-User` or `Cf-Access-Jwt-Assertion` who asks.
_IGNORED_PREFIXES: Final = (b"x-stainless-", b"x-b3-", b"x-datadog-", b"x-envoy-", b"sec-ch-", b"sec-fetch-")
_encoder: Final = msgspec.json.Encoder(order="sorted")
_decoder: Final = msgspec.json.Decoder()
_pack: Final = msgspec.msgpack.Encoder().encode
_MOST_NAMES: Final = 1000


class Telling(dict[bytes, bool]):
    """Which request headers may change an answer, by their names: all but those that are known not to.

    Args:
        ignored: Further names that change none.
    """

    def __init__(self, ignored: Collection[bytes] = ()) -> None:
        super().__init__()
        self._ignored = ignored

    def __missing__(self, name: bytes) -> bool:
        is_telling = name not in _IGNORED and not name.startswith(_IGNORED_PREFIXES) and name not in self._ignored
        if len(self) < _MOST_NAMES:  # names are the caller's choice: bounded
            self[name] = is_telling
        return is_telling


class Duplicate(ValueError):
    """An object has one member twice: nobody knows which of them counts."""


def tenant_of(who: Principal | None, scope: Scope) -> tuple[str, str]:
    """Return to whom an answer belongs; nobody in particular is a tenant too."""
    if scope == "shared":
        return "shared", ""
    if who is None:
        return "nobody", ""
    if scope == "project" and who.project_id is not None:
        return "project", who.project_id
    return ("key", who.key_id) if who.key_id is not None else ("name", who.name)


def key_of(exchange: Exchange, tenant: tuple[str, str], body: bytes, telling: Telling) -> bytes:
    """Return the key of *exchange* as the proxy would see it.

    Everything is in it but headers that are known to change nothing: an unknown one costs hits, not correctness. What
    is hashed is MessagePack, in which each part has its length before it.
    """
    scope = exchange.request.scope
    headers = sorted([header for header in scope["headers"] if telling[header[0]]])
    parts = (
        tenant,
        _SCHEMA,
        scope.get("method"),
        scope.get("root_path", ""),
        scope["path"],
        scope.get("query_string", b""),
        headers,
        body,
    )
    return sha256(_pack(parts)).digest()


def canonical(body: bytes) -> tuple[dict[str, Any], bytes] | None:
    """Return the object that *body* is, and its one form; ``None`` if it is none, or has a member twice."""
    try:
        asked = _decoder.decode(body)
        if type(asked) is not dict:
            return None
        form = _encoder.encode(asked)
        if not _is_the_same(body, form):
            _refuse_duplicates(body)
    except (ValueError, msgspec.MsgspecError, RecursionError, OverflowError):
        return None
    return asked, form


def _is_the_same(body: bytes, form: bytes) -> bool:
    """Return whether *body* surely has no member twice.

    A member that gave way took at least two quotes with it, and none can have come in its place where no escape has
    become one.
    """
    return b"\\u" not in body and body.count(b'"') == form.count(b'"')


def _refuse_duplicates(body: bytes) -> None:
    json.loads(body, object_pairs_hook=_members)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Duplicate
    return members
