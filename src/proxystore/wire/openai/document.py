"""A response that is one JSON document."""

from __future__ import annotations

from proxystore.wire.document import Collector
from proxystore.wire.estimating import estimated_output_tokens
from proxystore.wire.openai.reply import Listener, read_reply


class Document(Listener):
    """Reads a document once it is whole."""

    __slots__ = ("_collector", "_said")

    def __init__(self) -> None:
        super().__init__()
        self._collector: Collector | None = None
        self._said = b""

    @property
    def estimated_output_tokens(self) -> int:
        """About how many tokens the text is, if nobody told."""
        return estimated_output_tokens(self._said) if self.usage.quality == "missing" else 0

    def feed(self, data: bytes, *, is_last: bool) -> bytes:
        """Take the next bytes and return them."""
        collector = self._collector
        if is_last and collector is None:  # all at once, as most come
            if data:
                self._read(data)
            return data
        if collector is None:
            collector = self._collector = Collector()
        collector.add(data)
        if is_last:
            for text in collector.take(b'"model"', b'"usage"'):
                self._read(text)
                if self.usage.quality != "missing":
                    break
        return data

    def _read(self, text: bytes) -> None:
        self._said = text
        reply = read_reply(text)
        if reply is not None:
            self.hear(reply)
