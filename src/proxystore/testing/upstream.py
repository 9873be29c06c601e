"""A fake upstream that speaks OpenAI's wire format, as an ASGI application; needs no pytest and no network.

It counts a word as a token, so that what a client was told can be checked by hand.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from typing_extensions import override

from proxystore.exchange.asgi import Message, Receive, Scope, Send

ANSWER: Final = "The quick brown fox jumps over the lazy dog."
MODELS: Final = ("gpt-4o", "gpt-4o-mini", "text-embedding-3-small")
_BUILD: Final = "-2024-08-06"
_CREATED: Final = 1_700_000_000
_VECTOR: Final = [0.25, -0.5, 0.125]


class Seen(NamedTuple):
    """A request as it arrived."""

    path: str
    headers: dict[bytes, bytes]
    body: bytes


class FakeUpstream:
    """Answers chat completions, completions, embeddings and the list of models.

    Args:
        models: Known ones; another is answered with 404, as OpenAI does. They answer as a dated build of themselves.
        answer: What every chat says, one word a chunk when it is streamed.
        delay: Seconds before each chunk.

    Attributes:
        seen: Every request, in order.
    """

    def __init__(self, *, models: Sequence[str] = MODELS, answer: str = ANSWER, delay: float = 0.0) -> None:
        self.models = tuple(models)
        self.answer = answer
        self.delay = delay
        self.seen: list[Seen] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve (ASGI)."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            body = await _read(receive)
            self.seen.append(Seen(scope["path"], dict(scope["headers"]), body))
            await self._respond(scope["method"], scope["path"], body, send)

    async def _respond(self, method: str, path: str, body: bytes, send: Send) -> None:
        if method == "GET" and path.endswith("/models"):
            models = [{"id": name, "object": "model", "created": _CREATED, "owned_by": "fake"} for name in self.models]
            await _send_json(send, 200, {"object": "list", "data": models})
            return
        try:
            asked = msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError):
            await _send_error(send, 400, "invalid_json", "We could not parse the JSON body of your request.")
            return
        model = asked.get("model")
        if model not in self.models:
            await _send_error(send, 404, "model_not_found", f"The model `{model}` does not exist.")
        elif path.endswith("/embeddings"):
            await _send_json(send, 200, _embedding(asked))
        elif path.endswith("/chat/completions"):
            await self._complete(asked, _Chat(model), send)
        elif path.endswith("/completions"):
            await self._complete(asked, _Completion(model), send)
        else:
            await _send_error(send, 404, "not_found", f"Unknown path {path}.")

    async def _complete(self, asked: dict[str, Any], kind: _Chat, send: Send) -> None:
        words = re.findall(r"\S+\s*", self.answer)
        usage = _usage(_count_words(asked.get("messages") or asked.get("prompt")), len(words))
        if asked.get("stream"):
            wants_usage = bool((asked.get("stream_options") or {}).get("include_usage"))
            await _send_events(send, self._events(kind, words, usage if wants_usage else None))
        else:
            await asyncio.sleep(self.delay)
            await _send_json(send, 200, kind.whole(self.answer, usage))

    async def _events(self, kind: _Chat, words: list[str], usage: dict[str, Any] | None) -> AsyncIterator[bytes]:
        more = {} if usage is None else {"usage": None}
        for word in words:
            await asyncio.sleep(self.delay)
            yield _event({**kind.part(word, None), **more})
        yield _event({**kind.part("", "stop"), **more})
        if usage is not None:
            yield _event({**kind.part("", None), "choices": [], "usage": usage})
        yield b"data: [DONE]\n\n"


class _Chat:
    """How chat completions look."""

    part_object = "chat.completion.chunk"
    whole_object = "chat.completion"

    def __init__(self, model: str) -> None:
        self._head = {"id": "chatcmpl-fake", "created": _CREATED, "model": model + _BUILD}

    def part(self, text: str, finish_reason: str | None) -> dict[str, Any]:
        choice = {"index": 0, **self._part_text(text), "finish_reason": finish_reason}
        return {**self._head, "object": self.part_object, "choices": [choice]}

    def whole(self, text: str, usage: dict[str, Any]) -> dict[str, Any]:
        choice = {"index": 0, **self._whole_text(text), "finish_reason": "stop"}
        return {**self._head, "object": self.whole_object, "choices": [choice], "usage": usage}

    def _part_text(self, text: str) -> dict[str, Any]:
        return {"delta": {"role": "assistant", "content": text}}

    def _whole_text(self, text: str) -> dict[str, Any]:
        return {"message": {"role": "assistant", "content": text}}


class _Completion(_Chat):
    """How the older completions look."""

    part_object = whole_object = "text_completion"

    @override
    def _part_text(self, text: str) -> dict[str, Any]:
        return {"text": text}

    _whole_text = _part_text


def _embedding(asked: dict[str, Any]) -> dict[str, Any]:
    given = asked.get("input", "")
    texts = given if isinstance(given, list) else [given]
    count = sum(_count_words(text) for text in texts)
    data = [{"object": "embedding", "index": index, "embedding": _VECTOR} for index in range(len(texts))]
    usage = {"prompt_tokens": count, "total_tokens": count}
    return {"object": "list", "data": data, "model": asked["model"], "usage": usage}


def _usage(read: int, written: int) -> dict[str, Any]:
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _count_words(said: object) -> int:
    if isinstance(said, list):
        return sum(_count_words(each.get("content") if isinstance(each, dict) else each) for each in said)
    return len(str(said or "").split())


def _event(data: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(data) + b"\n\n"


async def _read(receive: Receive) -> bytes:
    parts = []
    while True:
        message: Message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _send_events(send: Send, events: AsyncIterator[bytes]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    async for event in events:
        await send({"type": "http.response.body", "body": event, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _send_json(send: Send, status: int, data: dict[str, Any]) -> None:
    body = msgspec.json.encode(data)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _send_error(send: Send, status: int, code: str, message: str) -> None:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    await _send_json(send, status, {"error": error})


async def _lifespan(receive: Receive, send: Send) -> None:
    for _ in range(2):
        message = await receive()
        await send({"type": message["type"] + ".complete"})
