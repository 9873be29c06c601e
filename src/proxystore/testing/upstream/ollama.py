"""Ollama's own API: a line for each word unless one document is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec

from proxystore.exchange.asgi import Send
from proxystore.testing.upstream.answering import Place, Words
from proxystore.testing.upstream.question import Question, count_words
from proxystore.testing.upstream.sending import send_json, send_pieces

_CREATED: Final = "2023-11-14T22:13:20Z"
_VECTOR: Final = [0.25, -0.5, 0.125]
_NANOSECONDS: Final = {"total_duration": 5_000_000, "load_duration": 1_000_000}


async def chat(question: Question, place: Place) -> None:
    """Answer ``/api/chat``."""
    await _say(question, place, count_words(question.asked.get("messages")))


async def generate(question: Question, place: Place) -> None:
    """Answer ``/api/generate``."""
    await _say(question, place, count_words(question.asked.get("prompt")))


async def embed(question: Question, place: Place) -> None:
    """Answer ``/api/embed``."""
    given = question.asked.get("input", "")
    texts = given if isinstance(given, list) else [given]
    told = {"model": question.model, "embeddings": [_VECTOR] * len(texts), **_NANOSECONDS}
    await send_json(place.send, {**told, "prompt_eval_count": count_words(texts)})


async def embed_one(_: Question, place: Place) -> None:
    """Answer ``/api/embeddings``, which tells of no usage."""
    await send_json(place.send, {"embedding": _VECTOR})


async def show(_: Question, place: Place) -> None:
    """Answer ``/api/show``."""
    await send_json(place.send, {"details": {"family": "llama"}, "model_info": {}, "capabilities": ["completion"]})


async def list_models(models: tuple[str, ...], send: Send) -> None:
    """Answer ``/api/tags``."""
    listed = [{"name": name, "model": name, "modified_at": _CREATED, "size": 1} for name in models]
    await send_json(send, {"models": listed})


async def _say(question: Question, place: Place, read: int) -> None:
    if question.asked.get("stream") is False:
        await send_json(place.send, _said(question, await place.words.whole(), _told(place.words, read)))
    else:
        await send_pieces(place.send, _lines(question, place.words, read), b"application/x-ndjson")


async def _lines(question: Question, words: Words, read: int) -> AsyncIterator[bytes]:
    async for word in words.each():
        yield msgspec.json.encode(_said(question, word, {"done": False})) + b"\n"
    yield msgspec.json.encode(_said(question, "", _told(words, read))) + b"\n"


def _said(question: Question, text: str, more: dict[str, Any]) -> dict[str, Any]:
    is_chat = question.path.endswith("/chat")
    said = {"message": {"role": "assistant", "content": text}} if is_chat else {"response": text}
    return {"model": question.model, "created_at": _CREATED, **said, **more}


def _told(words: Words, read: int) -> dict[str, Any]:
    counts = {"prompt_eval_count": read, "eval_count": words.number}
    return {"done": True, "done_reason": "stop", **_NANOSECONDS, **counts}
