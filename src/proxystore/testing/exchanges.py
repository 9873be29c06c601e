"""Exchanges for tests of a single hook: no server, no store, no application."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from proxystore import wire
from proxystore.exchange import Exchange, Request
from proxystore.exchange.asgi import Message
from proxystore.testing.asgi import http_scope
from proxystore.values import Outcome, Principal, Usage
from proxystore.wire import Formats

_LIMIT = 64 * 1024 * 1024


async def exchange_of(
    path: str = "/v1/chat/completions",
    body: bytes | Mapping[str, Any] = b"",
    *,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    principal: Principal | None = None,
    usage: Usage | None = None,
    outcome: Outcome = "complete",
    status: int = 200,
) -> Exchange:
    """Return an exchange as a hook meets it, its body read where a wire format knows the path.

    Args:
        path: Where the client asks.
        body: Bytes, or what is to be sent as JSON.
        method: Of HTTP.
        headers: Of the request.
        principal: Who is calling, as ``on_auth`` would have said.
        usage: What was used, as it is from ``on_usage`` on.
        outcome: How it ended, likewise.
        status: Of the response, likewise.

    Example:
        ```python
        from proxystore.testing.exchanges import exchange_of

        async def test_the_model_is_read():
            exchange = await exchange_of(body={"model": "gpt-4o", "messages": []})
            assert exchange.request.call.request_model == "gpt-4o"
        ```
    """
    fields = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = http_scope(path, method=method, headers=fields)
    messages = [{"type": "http.request", "body": body if isinstance(body, bytes) else msgspec.json.encode(body)}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await asyncio.Event().wait()
        raise AssertionError

    request = Request(scope, receive, path, Formats(wire.BUILT_IN).route(method, path), limit=_LIMIT)
    if request.is_claimed:
        await request.read_call()
    exchange = Exchange(request)
    exchange.principal, exchange.outcome = principal, outcome
    exchange.usage = usage or Usage()
    exchange.response.status = status
    return exchange
