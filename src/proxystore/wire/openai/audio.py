"""``POST /v1/audio/speech``, ``transcriptions`` and ``translations``."""

from __future__ import annotations

from proxystore.values import Call, Denial
from proxystore.wire.format import Meter
from proxystore.wire.openai.errors import refuse
from proxystore.wire.openai.media_listener import WORDS, MediaListener
from proxystore.wire.openai.metering import is_stream
from proxystore.wire.openai.request import read_call
from proxystore.wire.reading import DocumentReader, EventReader


class Transcriptions:
    """Speech to text: tokens, or seconds of audio; of plain text and subtitles nothing is told."""

    name: str = "openai.transcriptions"
    methods: frozenset[str] = frozenset({"POST"})
    paths: tuple[str, ...] = ("/audio/transcriptions",)
    operation_name: str = "transcription"
    written: str | None = None

    def read(self, path: str, body: bytes) -> Call:
        """Return the model; of a form nothing else is read."""
        return read_call(self.operation_name, path, body, is_told=True)

    def ask_for_usage(self, body: bytes) -> bytes:
        """Return *body*: what is told is told without being asked for."""
        return body

    def meter(self, call: Call, *, content_type: bytes, is_stripping: bool) -> Meter | None:
        """Return a reader for a document or a stream of events, ``None`` for sound and plain text."""
        listener = MediaListener(self.written)
        kind = content_type.strip().lower()
        if kind.startswith(b"application/json"):
            return DocumentReader(listener, b'"usage"')
        return EventReader(listener, *WORDS) if is_stream(_NOT_STREAMED, kind) else None

    def refuse(self, denial: Denial) -> bytes:
        """Return OpenAI's error object."""
        return refuse(denial)


class Translations(Transcriptions):
    """Speech of any language to English text."""

    name = "openai.translations"
    paths = ("/audio/translations",)
    operation_name = "translation"


class Speech(Transcriptions):
    """Text to speech: a stream of events tells tokens, sound tells nothing."""

    name = "openai.speech"
    paths = ("/audio/speech",)
    operation_name = "speech"
    written = "audio_tokens"


_NOT_STREAMED = Call(operation_name="unknown")
