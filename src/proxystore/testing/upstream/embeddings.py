"""OpenAI's embeddings."""

from __future__ import annotations

from typing import Final

from proxystore.testing.upstream.answering import Place
from proxystore.testing.upstream.question import Question, count_words
from proxystore.testing.upstream.sending import send_json

_VECTOR: Final = [0.25, -0.5, 0.125]


async def embed(question: Question, place: Place) -> None:
    """Answer ``/embeddings``."""
    given = question.asked.get("input", "")
    texts = given if isinstance(given, list) else [given]
    count = count_words(texts)
    data = [{"object": "embedding", "index": index, "embedding": _VECTOR} for index in range(len(texts))]
    usage = {"prompt_tokens": count, "total_tokens": count}
    await send_json(place.send, {"object": "list", "data": data, "model": question.model, "usage": usage})
