"""No framework at all: an ASGI application that answers every chat itself, wrapped by a call.

uvicorn parrot:app
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from proxystore import ProxyStoreMiddleware

Message = MutableMapping[str, Any]


async def parrot(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """Say what was said last."""
    if scope["type"] != "http":
        raise RuntimeError("only HTTP is spoken here")
    body = b""
    is_whole = False
    while not is_whole:
        message = await receive()
        body += message.get("body", b"")
        is_whole = not message.get("more_body", False)
    answer = json.dumps(_completion(json.loads(body))).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


def _completion(asked: dict[str, Any]) -> dict[str, Any]:
    said = asked["messages"][-1]["content"]
    words = len(said.split())
    message = {"role": "assistant", "content": said}
    return {
        "id": "chatcmpl-parrot",
        "object": "chat.completion",
        "created": 0,
        "model": asked["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": words, "completion_tokens": words, "total_tokens": 2 * words},
    }


app = ProxyStoreMiddleware(parrot)
