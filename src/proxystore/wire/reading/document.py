"""A response that is one JSON document."""

from __future__ import annotations

from proxystore.values import Usage
from proxystore.wire.document import Collector
from proxystore.wire.estimating import estimated_output_tokens
from proxystore.wire.reading.listener import Listener
from proxystore.wire.reading.reader import Reader


class DocumentReader(Reader):
    """Reads a document once it is whole (a `Meter`).

    Args:
        listener: Told what it says.
        names: The members to look for, in quotes, where only the tail of a very long document is left.
    """

    __slots__ = ("_collector", "_names", "_said")

    def __init__(self, listener: Listener, *names: bytes) -> None:
        super().__init__(listener)
        self._names = names
        self._collector: Collector | None = None
        self._said = b""

    @property
    def usage(self) -> Usage:
        """What has been told."""
        return self._listener.usage(0)

    @property
    def estimated_output_tokens(self) -> int:
        """About how many tokens the text is, if nobody told."""
        return estimated_output_tokens(self._said) if self.usage.quality == "missing" else 0

    def feed(self, data: bytes, *, is_last: bool) -> bytes:
        """Take the next bytes and return them."""
        collector = self._collector
        if is_last and collector is None:  # all at once, as most come
            if data:
                self._hear(data)
            return data
        if collector is None:
            collector = self._collector = Collector()
        collector.add(data)
        if is_last:
            for text in collector.take(*self._names):
                if self._hear(text) and self._listener.usage(0).quality != "missing":
                    break
        return data

    def _hear(self, text: bytes) -> bool:
        self._said = text
        return self._listener.hear(text)
