"""OpenAI's chat completions, and the older completions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from typing_extensions import override

from proxystore.testing.upstream.answering import BUILD, CREATED, Place, Words
from proxystore.testing.upstream.question import Question, count_words
from proxystore.testing.upstream.sending import event, send_json, send_pieces


async def chat(question: Question, place: Place) -> None:
    """Answer ``/chat/completions``."""
    await _complete(_Chat(question.model), question, place)


async def complete(question: Question, place: Place) -> None:
    """Answer ``/completions``."""
    await _complete(_Completion(question.model), question, place)


async def _complete(kind: _Chat, question: Question, place: Place) -> None:
    asked = question.asked
    usage = sums(count_words(asked.get("messages") or asked.get("prompt")), place.words.number)
    if asked.get("stream"):
        wants_usage = bool((asked.get("stream_options") or {}).get("include_usage"))
        await send_pieces(place.send, _events(kind, place.words, usage if wants_usage else None))
    else:
        await send_json(place.send, kind.whole(await place.words.whole(), usage))


async def _events(kind: _Chat, words: Words, usage: dict[str, Any] | None) -> AsyncIterator[bytes]:
    more = {} if usage is None else {"usage": None}
    async for word in words.each():
        yield event({**kind.part(word, None), **more})
    yield event({**kind.part("", "stop"), **more})
    if usage is not None:
        yield event({**kind.part("", None), "choices": [], "usage": usage})
    yield b"data: [DONE]\n\n"


class _Chat:
    """How chat completions look."""

    part_object = "chat.completion.chunk"
    whole_object = "chat.completion"

    def __init__(self, model: str) -> None:
        self._head = {"id": "chatcmpl-fake", "created": CREATED, "model": model + BUILD}

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


def sums(read: int, written: int) -> dict[str, Any]:
    """Return usage as chats tell it."""
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
