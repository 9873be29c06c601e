"""The traffic: one chat, asked as OpenAI's client asks, and an application that always says the same."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec

from proxystore.exchange.asgi import ASGIApp, Message, Receive, Scope, Send

KEY: Final = "sk-0123456789abcdef0123456789abcdef"
PATH: Final = "/v1/chat/completions"
HEADERS: Final = (
    (b"host", b"127.0.0.1"),
    (b"accept", b"application/json"),
    (b"accept-encoding", b"identity"),
    (b"content-type", b"application/json"),
    (b"user-agent", b"OpenAI/Python 2.8.0"),
    (b"x-stainless-lang", b"python"),
    (b"x-stainless-package-version", b"2.8.0"),
    (b"x-stainless-retry-count", b"0"),
    (b"authorization", b"Bearer " + KEY.encode()),
)
_HEAD: Final = {"id": "chatcmpl-9aBcDeFgHiJkLmNoPqRsTuVw", "created": 1_700_000_000, "model": "gpt-4o-2024-08-06"}
_USAGE: Final = {"prompt_tokens": 19, "completion_tokens": 40, "total_tokens": 59}
_QUESTION: Final = {"role": "user", "content": "What does a proxy cost that nobody notices? " * 4}
_START: Final = "http.response.start"
_BODY: Final = "http.response.body"


def question(*, is_streaming: bool = False, wants_usage: bool = False) -> bytes:
    """Return a request's body; *wants_usage*: it asks for a stream's usage itself."""
    asked: dict[str, Any] = {"model": "gpt-4o", "messages": [_QUESTION], "temperature": 0.2}
    if is_streaming:
        asked["stream"] = True
    if wants_usage:
        asked["stream_options"] = {"include_usage": True}
    return msgspec.json.encode(asked)


def echo(*, is_yielding: bool = True) -> ASGIApp:
    """Return an application that reads a chat and answers it, whole or as a stream of ``?chunks=`` words.

    As OpenAI does, it tells a stream's usage to who asks for it, and then with a ``null`` in every chunk as well.

    Args:
        is_yielding: Whether the event loop has a turn between chunks, as it has between those of a model.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        body = await _read(receive)
        if b'"stream":true' not in body:
            await send(_WHOLE_START)
            await send(_WHOLE)
            return
        await send(_STREAM_START)
        chunk, ending = (_CHUNK_WITH_NULL, _END_WITH_USAGE) if b'"include_usage":true' in body else (_CHUNK, _END)
        for _ in range(int(scope["query_string"].removeprefix(b"chunks=") or 1)):
            await send(chunk)
            if is_yielding:
                await asyncio.sleep(0)
        for last in ending:
            await send(last)

    return app


def _event(**more: Any) -> bytes:
    return b"data: " + msgspec.json.encode({**_HEAD, "object": "chat.completion.chunk", **more}) + b"\n\n"


def _choices(text: str, finish_reason: str | None) -> list[dict[str, Any]]:
    return [{"index": 0, "delta": {"content": text}, "logprobs": None, "finish_reason": finish_reason}]


def _body(data: bytes, *, has_more: bool = True) -> Message:
    return {"type": _BODY, "body": data, "more_body": has_more}


_ANSWER: Final = msgspec.json.encode(
    {
        **_HEAD,
        "object": "chat.completion",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "Little. " * 40}, "finish_reason": "stop"}
        ],
        "usage": _USAGE,
    }
)
_WHOLE_START: Final[Message] = {
    "type": _START,
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_ANSWER))],
}
_WHOLE: Final = _body(_ANSWER, has_more=False)
_STREAM_START: Final[Message] = {
    "type": _START,
    "status": 200,
    "headers": [(b"content-type", b"text/event-stream; charset=utf-8")],
}
_CHUNK: Final = _body(_event(choices=_choices(" word", None)))
_CHUNK_WITH_NULL: Final = _body(_event(choices=_choices(" word", None), usage=None))
_DONE: Final = (_body(b"data: [DONE]\n\n"), _body(b"", has_more=False))
_END: Final = (_body(_event(choices=_choices("", "stop"))), *_DONE)
_END_WITH_USAGE: Final = (
    _body(_event(choices=_choices("", "stop"), usage=None)),
    _body(_event(choices=[], usage=_USAGE)),
    *_DONE,
)


async def _read(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body", False):
        message = await receive()
        body += message.get("body", b"")
    return body


async def _live(receive: Receive, send: Send) -> None:
    for _ in range(2):
        message = await receive()
        await send({"type": message["type"] + ".complete"})
