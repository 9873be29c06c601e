"""OpenAI's images: a dot, in tokens or, from the older models, by the piece."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

from proxystore.testing.upstream.answering import CREATED, Place
from proxystore.testing.upstream.question import Question, count_words
from proxystore.testing.upstream.sending import event, send_json, send_pieces

_DOT: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
_TOKENS: Final = 272  # of one image


async def draw(question: Question, place: Place) -> None:
    """Answer ``/images/generations`` and ``/images/edits``."""
    count = int(question.asked.get("n") or 1)
    if question.asked.get("stream"):
        await send_pieces(place.send, _events(question))
    elif question.model.startswith("dall-e"):
        await send_json(place.send, {"created": CREATED, "data": [{"url": "https://example.invalid/dot.png"}] * count})
    else:
        data = {"created": CREATED, "data": [{"b64_json": _DOT}] * count, "usage": _usage(question, count)}
        await send_json(place.send, data)


async def _events(question: Question) -> AsyncIterator[bytes]:
    kind = "image_edit" if question.path.endswith("/edits") else "image_generation"
    image = {"b64_json": _DOT, "created_at": CREATED, "size": "1024x1024", "quality": "low", "background": "opaque"}
    image["output_format"] = "png"
    yield event({"type": f"{kind}.partial_image", **image, "partial_image_index": 0}, is_named=True)
    yield event({"type": f"{kind}.completed", **image, "usage": _usage(question, 1)}, is_named=True)


def _usage(question: Question, images: int) -> dict[str, Any]:
    text = count_words(question.asked.get("prompt"))
    given = _TOKENS if question.path.endswith("/edits") else 0
    return {
        "input_tokens": text + given,
        "input_tokens_details": {"text_tokens": text, "image_tokens": given},
        "output_tokens": _TOKENS * images,
        "total_tokens": text + given + _TOKENS * images,
    }
