"""Anthropic's messages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

from proxystore.testing.upstream.answering import Place, Words
from proxystore.testing.upstream.question import Question, count_words
from proxystore.testing.upstream.sending import event, send_json, send_pieces

_BUILD: Final = "-20251001"


async def answer(question: Question, place: Place) -> None:
    """Answer ``/v1/messages``."""
    usage = _usage(question.asked)
    if question.asked.get("stream"):
        await send_pieces(place.send, _events(question.model, usage, place.words))
    else:
        content = [{"type": "text", "text": await place.words.whole()}]
        told = {**usage, "output_tokens": place.words.number}
        await send_json(place.send, _message(question.model, content, "end_turn", told))


async def count(question: Question, place: Place) -> None:
    """Answer ``/v1/messages/count_tokens``."""
    usage = _usage(question.asked)
    await send_json(place.send, {"input_tokens": usage["input_tokens"] + usage["cache_read_input_tokens"]})


async def _events(model: str, usage: dict[str, Any], words: Words) -> AsyncIterator[bytes]:
    def said(kind: str, **more: Any) -> bytes:
        return event({"type": kind, **more}, is_named=True)

    yield said("message_start", message=_message(model, [], None, {**usage, "output_tokens": 1}))
    yield said("content_block_start", index=0, content_block={"type": "text", "text": ""})
    yield said("ping")
    async for word in words.each():
        yield said("content_block_delta", index=0, delta={"type": "text_delta", "text": word})
    yield said("content_block_stop", index=0)
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    yield said("message_delta", delta=delta, usage={"output_tokens": words.number})
    yield said("message_stop")


def _message(
    model: str, content: list[dict[str, Any]], stop_reason: str | None, usage: dict[str, Any]
) -> dict[str, Any]:
    return {
        "id": "msg_fake",
        "type": "message",
        "role": "assistant",
        "model": model + _BUILD,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": usage,
    }


def _usage(asked: dict[str, Any]) -> dict[str, Any]:
    """Return what was read; what the system says is taken from the cache."""
    return {
        "input_tokens": count_words(asked.get("messages")),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": count_words(asked.get("system")),
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "service_tier": "standard",
    }
