"""A response that is a stream of JSON objects, one on each line."""

from __future__ import annotations

from proxystore.wire.reading.cutting import Held, Long
from proxystore.wire.reading.listener import Listener
from proxystore.wire.reading.reader import StreamReader


class LineReader(StreamReader):
    """Reads along lines, wherever the network has cut them, and forwards them as they came (a `Meter`).

    Args:
        listener: Told what lines say that say more than content.
        words: What such a line contains, one of them at least.
        plain: How lines end that say nothing else, as nearly all of them do.
    """

    __slots__ = ("_held", "_plain", "_words")

    def __init__(self, listener: Listener, *words: bytes, plain: bytes) -> None:
        super().__init__(listener)
        self._words = words
        self._plain = plain
        self._held = Held()

    def feed(self, data: bytes, *, is_last: bool) -> bytes:
        """Take the next bytes and return them; what comes as whole lines of content is not cut up."""
        if not self._held.size and data.endswith(b"\n"):
            if data.endswith(self._plain) and data.find(b"\n") == len(data) - 1:
                self.estimated_output_tokens += 1
                return data
            for word in self._words:
                if word in data:
                    break
            else:
                self.estimated_output_tokens += data.count(b"\n")
                return data
        self._cut(data)
        if is_last and self._held.size:
            self._take()
        return data

    def _cut(self, data: bytes) -> None:
        begin = 0
        while end := data.find(b"\n", begin) + 1:
            self._held.add(data[begin:end])
            self._take()
            begin = end
        self._held.add(data[begin:] if begin else data)

    def _take(self) -> None:
        line = self._held.take()
        if isinstance(line, Long):
            self.estimated_output_tokens += 1
            self._listener.hear_part(*line)
        elif line.strip():
            self.estimated_output_tokens += 1
            if any(word in line for word in self._words):
                self._listener.hear(line)
        self.is_ended = self._listener.is_ended
