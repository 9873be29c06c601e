"""OpenAI's sound: speech to text, in tokens or seconds, and text to speech."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

from proxystore.testing.upstream.answering import Place, Words
from proxystore.testing.upstream.question import Question, count_words
from proxystore.testing.upstream.sending import event, send_bytes, send_json, send_pieces

_SECONDS: Final = 12.5
_TOKENS: Final = 125  # ten a second
_SOUND: Final = b"RIFF\x24\x00\x00\x00WAVEfmt "


async def transcribe(question: Question, place: Place) -> None:
    """Answer ``/audio/transcriptions`` and ``/audio/translations``."""
    words = place.words
    if question.asked.get("stream"):
        await send_pieces(place.send, _events(words))
    elif question.asked.get("response_format") in {"text", "srt", "vtt"}:
        await send_bytes(place.send, (await words.whole()).encode(), b"text/plain; charset=utf-8")
    else:
        usage = {"type": "duration", "seconds": _SECONDS} if question.model == "whisper-1" else _usage(words.number)
        await send_json(place.send, {"text": await words.whole(), "usage": usage})


async def speak(question: Question, place: Place) -> None:
    """Answer ``/audio/speech``."""
    if question.asked.get("stream_format") == "sse":
        await send_pieces(place.send, _spoken(count_words(question.asked.get("input"))))
    else:
        await send_bytes(place.send, _SOUND, b"audio/wav")


async def _events(words: Words) -> AsyncIterator[bytes]:
    async for word in words.each():
        yield event({"type": "transcript.text.delta", "delta": word})
    yield event({"type": "transcript.text.done", "text": words.text, "usage": _usage(words.number)})


async def _spoken(read: int) -> AsyncIterator[bytes]:
    yield event({"type": "speech.audio.delta", "audio": "UklGRg=="})
    usage = {"input_tokens": read, "output_tokens": _TOKENS, "total_tokens": read + _TOKENS}
    yield event({"type": "speech.audio.done", "usage": usage})


def _usage(written: int) -> dict[str, Any]:
    return {
        "type": "tokens",
        "input_tokens": _TOKENS,
        "input_token_details": {"text_tokens": 0, "audio_tokens": _TOKENS},
        "output_tokens": written,
        "total_tokens": _TOKENS + written,
    }
