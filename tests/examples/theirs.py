"""Stands in for an application with a database and keys of its own, as LiteLLM's proxy has; it tells what it got."""

from __future__ import annotations

import json
import os

from proxystore.exchange.asgi import Receive, Scope, Send

_DATABASE = os.environ["DATABASE_URL"]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with what the environment and the request say."""
    if scope["type"] != "http":
        raise RuntimeError("only HTTP is spoken here")
    authorization = dict(scope["headers"]).get(b"authorization", b"").decode()
    said = {"database": _DATABASE, "authorization": authorization, "usage": {"prompt_tokens": 1}}
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(said).encode()})
