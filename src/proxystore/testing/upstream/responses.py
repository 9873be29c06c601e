"""OpenAI's responses: over HTTP, as a document or a stream, and over a WebSocket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec

from proxystore.testing.upstream.answering import BUILD, CREATED, Place, Words
from proxystore.testing.upstream.question import Question, count_words
from proxystore.testing.upstream.sending import event, send_json, send_pieces

_ITEM: Final = "msg_fake"


async def respond(question: Question, place: Place) -> None:
    """Answer ``/responses``."""
    if question.asked.get("stream"):
        await send_pieces(place.send, _events(question.asked, question.model, place.words))
    else:
        usage = _usage(question.asked, place.words.number)
        text = await place.words.whole()
        await send_json(place.send, _response(question.model, "completed", [_message(text)], usage))


async def compact(question: Question, place: Place) -> None:
    """Answer ``/responses/compact``."""
    compacted = {"id": "resp_fake", "object": "response.compaction", "created_at": CREATED, "output": []}
    await send_json(place.send, {**compacted, "usage": _usage(question.asked, 1)})


async def count_input(question: Question, place: Place) -> None:
    """Answer ``/responses/input_tokens``."""
    count = _usage(question.asked, 0)["input_tokens"]
    await send_json(place.send, {"object": "response.input_tokens", "input_tokens": count})


async def answer_message(text: str, words: Words) -> AsyncIterator[str]:
    """Answer a WebSocket's message with the events of a response."""
    asked = msgspec.json.decode(text, type=dict[str, Any])
    if asked.get("type") == "response.create":
        async for each in _said(asked, str(asked.get("model")), words):
            yield msgspec.json.encode(each).decode()


async def _events(asked: dict[str, Any], model: str, words: Words) -> AsyncIterator[bytes]:
    async for each in _said(asked, model, words):
        yield event(each, is_named=True)


async def _said(asked: dict[str, Any], model: str, words: Words) -> AsyncIterator[dict[str, Any]]:
    where = {"item_id": _ITEM, "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": "", "annotations": []}
    begun = _response(model, "in_progress", [], None)
    number = 0

    def said(kind: str, **more: Any) -> dict[str, Any]:
        nonlocal number
        number += 1
        return {"type": f"response.{kind}", "sequence_number": number - 1, **more}

    yield said("created", response=begun)
    yield said("in_progress", response=begun)
    yield said("output_item.added", output_index=0, item={**_message(""), "status": "in_progress", "content": []})
    yield said("content_part.added", **where, part=part)
    async for word in words.each():
        yield said("output_text.delta", **where, delta=word, logprobs=[])
    yield said("output_text.done", **where, text=words.text, logprobs=[])
    yield said("content_part.done", **where, part={**part, "text": words.text})
    yield said("output_item.done", output_index=0, item=_message(words.text))
    done = _response(model, "completed", [_message(words.text)], _usage(asked, words.number))
    yield said("completed", response=done)


def _response(model: str, status: str, output: list[dict[str, Any]], usage: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "id": "resp_fake",
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "model": model + BUILD,
        "output": output,
        "parallel_tool_calls": True,
        "service_tier": "default",
        "tool_choice": "auto",
        "tools": [],
        "usage": usage,
        "metadata": {},
    }


def _message(text: str) -> dict[str, Any]:
    content = {"type": "output_text", "text": text, "annotations": []}
    return {"id": _ITEM, "type": "message", "role": "assistant", "status": "completed", "content": [content]}


def _usage(asked: dict[str, Any], written: int) -> dict[str, Any]:
    """Return what was used; instructions are taken from the cache."""
    cached = count_words(asked.get("instructions"))
    read = cached + count_words(asked.get("input"))
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": cached},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": read + written,
    }
