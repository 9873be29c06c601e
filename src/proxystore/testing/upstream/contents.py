"""Google's contents and embeddings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec

from proxystore.testing.upstream.answering import Place, Words
from proxystore.testing.upstream.question import Question, count_words
from proxystore.testing.upstream.sending import send_json, send_pieces

_THOUGHTS: Final = 3
_VECTOR: Final = {"values": [0.25, -0.5, 0.125]}


async def generate(question: Question, place: Place) -> None:
    """Answer ``:generateContent``."""
    text = await place.words.whole()
    await send_json(place.send, _piece(question, text, _usage(question, place.words.number), "STOP"))


async def stream(question: Question, place: Place) -> None:
    """Answer ``:streamGenerateContent``, with events or with an array."""
    if question.wants_events:
        await send_pieces(place.send, _events(question, place.words))
    else:
        await send_pieces(place.send, _array(question, place.words), b"application/json; charset=UTF-8")


async def embed(question: Question, place: Place) -> None:
    """Answer ``:embedContent`` and ``:batchEmbedContents``."""
    if question.path.endswith(":embedContent"):
        usage = {"promptTokenCount": count_words(question.asked.get("content"))}
        await send_json(place.send, {"embedding": _VECTOR, "usageMetadata": usage})
    else:
        requests = question.asked.get("requests", [])
        usage = {"promptTokenCount": count_words([each.get("content") for each in requests])}
        await send_json(place.send, {"embeddings": [_VECTOR] * len(requests), "usageMetadata": usage})


async def count(question: Question, place: Place) -> None:
    """Answer ``:countTokens``."""
    await send_json(place.send, {"totalTokens": count_words(question.asked.get("contents"))})


async def _events(question: Question, words: Words) -> AsyncIterator[bytes]:
    async for piece in _pieces(question, words):
        yield b"data: " + msgspec.json.encode(piece) + b"\r\n\r\n"


async def _array(question: Question, words: Words) -> AsyncIterator[bytes]:
    before = b"["
    async for piece in _pieces(question, words):
        yield before + msgspec.json.encode(piece)
        before = b"\n,\r\n"
    yield b"\n]\n"


async def _pieces(question: Question, words: Words) -> AsyncIterator[dict[str, Any]]:
    written = 0
    async for word in words.each():
        written += 1
        reason = "STOP" if written == words.number else None
        yield _piece(question, word, _usage(question, written), reason)


def _piece(question: Question, text: str, usage: dict[str, Any], reason: str | None) -> dict[str, Any]:
    content = {"parts": [{"text": text}], "role": "model"}
    candidate = {"content": content, "index": 0, **({} if reason is None else {"finishReason": reason})}
    return {
        "candidates": [candidate],
        "usageMetadata": usage,
        "modelVersion": question.model,
        "responseId": "fake",
    }


def _usage(question: Question, written: int) -> dict[str, Any]:
    """Return what was used so far; what the system says is taken from the cache, and some thought comes first."""
    asked = question.asked
    cached = count_words(asked.get("systemInstruction"))
    read = cached + count_words(asked.get("contents"))
    return {
        "promptTokenCount": read,
        "cachedContentTokenCount": cached,
        "candidatesTokenCount": written,
        "thoughtsTokenCount": _THOUGHTS,
        "totalTokenCount": read + written + _THOUGHTS,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": read}],
    }
