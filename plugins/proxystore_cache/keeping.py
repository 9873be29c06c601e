"""Which answers are kept, and what of them."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from proxystore import Exchange, Response, Usage
from proxystore_cache.keys import Telling

_EVENTS: Final = b"text/event-stream"
_LINES: Final = (b"application/stream+json", b"application/x-ndjson")
_JSON: Final = (b"application/json", *_LINES)
_DROPPED: Final = frozenset(
    b"age alt-svc cache-control cache-status connection content-length date expires keep-alive nel"
    b" openai-processing-ms proxy-authenticate proxy-authentication-info proxy-connection report-to server"
    b" server-timing set-cookie set-cookie2 te trailer transfer-encoding upgrade via warning www-authenticate x-cache"
    b" x-envoy-upstream-service-time x-process-time x-response-time cf-ray cf-cache-status".split()
)
_DROPPED_PARTS: Final = (
    b"ratelimit",
    b"rate-limit",
    b"retry-after",
    b"request-id",
    b"requestid",
    b"trace",
    b"cookie",
    b"session",
)
_says_tools: Final = re.compile(
    rb'"(?:tool_calls|function_call|functionCall)"\s*:\s*(?!\s|null|\[\s*\])'
    rb'|"type"\s*:\s*"(?:tool_use|server_tool_use|mcp_tool_use|function_call|custom_tool_call|mcp_call|[a-z_]+_call)"'
).search
_TOOL_REASONS: Final = frozenset({"tool_calls", "function_call"})
_UNFINISHED: Final = frozenset({"content_filter", "error", "load", "other", "unload"})
_GENERATING: Final = frozenset({"chat", "text_completion", "generate_content"})


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """An answer as it is kept.

    Attributes:
        created_us: When it was complete, microseconds since 1970, UTC.
        seconds: For how many it is good.
        headers: Those that are replayed.
        usage: What it took.
        finish_reason: Why the model stopped.
        is_stream: Whether its chunks are events or lines, and so have no length told before them.
        chunks: As they were sent.
    """

    created_us: int
    seconds: float
    headers: list[tuple[bytes, bytes]]
    usage: Usage
    finish_reason: str | None
    is_stream: bool
    chunks: list[bytes]


encode: Final = msgspec.msgpack.Encoder().encode
decode: Final = msgspec.msgpack.Decoder(Kept).decode


def is_whole(exchange: Exchange) -> bool:
    """Return whether the answer of *exchange* came whole, as it was meant to be."""
    response = exchange.response
    told = dict(response.headers)
    if exchange.outcome != "complete" or response.status != 200 or not response.chunks:
        return False
    if told.get(b"content-encoding", b"identity") != b"identity" or response.finish_reason in _UNFINISHED:
        return False
    kind = told.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind == _EVENTS:
        return response.is_ended
    length = told.get(b"content-length")
    is_cut = length is not None and length != b"%d" % sum(map(len, response.chunks))
    is_reasoned = response.finish_reason is not None or exchange.request.call.operation_name not in _GENERATING
    return kind in _JSON and not is_cut and is_reasoned


def lifetime(response: Response, seconds: float, telling: Telling, *, is_private: bool) -> float:
    """Return for how many of *seconds* the answer may be kept, as far as its own headers allow that; 0 is not at all.

    Args:
        response: What the proxy answered.
        seconds: What was settled on before.
        telling: Which request headers are in keys.
        is_private: Whether it is kept for one key alone.
    """
    varying = {name.strip() for name in _all_of(response, b"vary").lower().split(b",")} - {b"", b"accept-encoding"}
    if b"*" in varying or not all(telling[name] for name in varying):
        return 0.0
    directives = _directives(_all_of(response, b"cache-control"))
    is_stream = _all_of(response, b"content-type").startswith(_EVENTS)  # these say no-cache by habit
    if b"no-store" in directives or (b"private" in directives and not is_private):
        return 0.0
    if b"no-cache" in directives and not is_stream:
        return 0.0
    for name in (b"s-maxage", b"max-age"):
        if directives.get(name, b"").isdigit() and not is_stream:
            age = _all_of(response, b"age")  # it may come from a cache itself
            return min(seconds, float(directives[name]) - (float(age) if age.isdigit() else 0.0))
    return seconds


def has_tools(response: Response) -> bool:
    """Return whether the answer asks for a tool to be called."""
    return response.finish_reason in _TOOL_REASONS or _says_tools(b"".join(response.chunks)) is not None


def kept(exchange: Exchange, created_us: int, seconds: float) -> bytes:
    """Return what is kept of *exchange*."""
    response = exchange.response
    headers = [header for header in response.headers if _is_replayed(header[0])]
    is_stream = any(name == b"content-type" and value.startswith((_EVENTS, *_LINES)) for name, value in headers)
    chunks = [chunk for chunk in response.chunks if chunk]
    return encode(
        Kept(
            created_us,
            seconds,
            headers,
            exchange.usage,
            response.finish_reason,
            is_stream,
            chunks if is_stream else [b"".join(chunks)],
        )
    )


def _all_of(response: Response, name: bytes) -> bytes:
    """Return every value of the header *name*: a list may stand on several lines."""
    return b",".join([value for each, value in response.headers if each == name])


def _is_replayed(name: bytes) -> bool:
    return name not in _DROPPED and not any(part in name for part in _DROPPED_PARTS)


def _directives(told: bytes) -> dict[bytes, bytes]:
    parts = (part.partition(b"=") for part in told.lower().split(b","))
    return {name.strip(): value.strip().strip(b'"') for name, _, value in parts if name.strip()}
