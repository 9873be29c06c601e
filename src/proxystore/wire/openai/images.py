"""``POST /v1/images/generations``, ``edits`` and ``variations``."""

from __future__ import annotations

from proxystore.values import Call, Denial
from proxystore.wire.format import Meter
from proxystore.wire.openai.errors import refuse
from proxystore.wire.openai.media_listener import WORDS, MediaListener
from proxystore.wire.openai.metering import is_stream
from proxystore.wire.openai.request import read_call
from proxystore.wire.reading import DocumentReader, EventReader


class Images:
    """Images: tokens of text and of images, or, from models that tell none, the number of images."""

    name: str = "openai.images"
    methods: frozenset[str] = frozenset({"POST"})
    paths: tuple[str, ...] = ("/images/generations", "/images/edits", "/images/variations")

    def read(self, path: str, body: bytes) -> Call:
        """Return the model and the stream flag."""
        return read_call("image_generation", path, body, is_told=True)

    def ask_for_usage(self, body: bytes) -> bytes:
        """Return *body*: what is told is told without being asked for."""
        return body

    def meter(self, call: Call, *, content_type: bytes, is_stripping: bool) -> Meter:
        """Return a reader that passes over the images."""
        listener = MediaListener("image_tokens", counts_data=True)
        if is_stream(call, content_type):
            return EventReader(listener, *WORDS)
        return DocumentReader(listener, b'"usage"')

    def refuse(self, denial: Denial) -> bytes:
        """Return OpenAI's error object."""
        return refuse(denial)
