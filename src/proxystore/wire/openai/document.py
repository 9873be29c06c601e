"""A response that is one JSON document."""

from __future__ import annotations

from proxystore.wire.document import Collector
from proxystore.wire.openai.reply import Listener, read_reply


class Document(Listener):
    """Reads a document once it is whole."""

    __slots__ = ("_collector",)

    def __init__(self) -> None:
        super().__init__()
        self._collector = Collector()

    def feed(self, data: bytes, *, is_last: bool) -> bytes:
        """Take the next bytes and return them."""
        self._collector.add(data)
        if is_last:
            self._read()
        return data

    def _read(self) -> None:
        for text in self._collector.take(b'"model"', b'"usage"'):
            reply = read_reply(text)
            if reply is not None:
                self.hear(reply)
            if self.usage.quality != "missing":
                return
