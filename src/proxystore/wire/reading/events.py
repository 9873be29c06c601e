"""A response that is a stream of server-sent events."""

from __future__ import annotations

import re
from typing import Final

from proxystore.wire.reading.cutting import Held, Long
from proxystore.wire.reading.listener import Listener
from proxystore.wire.reading.reader import StreamReader
from proxystore.wire.sse import data_of

# A line ends with LF, CRLF or CR, an event with an empty line. A CR at the very end waits for the LF that may follow.
_find_end: Final = re.compile(rb"\n(?:\n|\r\n|\r(?=[^\n]))|\r\r").search
_OVERLAP: Final = 2  # an end is three bytes long at most
_BLANK_LINES: Final = (b"\n\n", b"\n\r\n")
_DATA: Final = b"data:"


class EventReader(StreamReader):
    """Reads along a stream of events, wherever the network has cut it, and forwards it as it came (a `Meter`).

    Args:
        listener: Told what events say that say more than content.
        words: What such an event contains, one of them at least; without words every event is one.
    """

    __slots__ = ("_held", "_is_between", "_seam", "_words")

    def __init__(self, listener: Listener, *words: bytes) -> None:
        super().__init__(listener)
        self._words = words
        self._held = Held()
        self._seam = b""
        self._is_between = True

    def feed(self, data: bytes, *, is_last: bool) -> bytes:
        """Take the next bytes and return them; what comes as whole events, as nearly everything does, is not cut up."""
        if self._is_between and data.endswith(_BLANK_LINES):
            if self._words:
                for word in self._words:
                    if word in data:
                        break
                else:
                    self.estimated_output_tokens += data.count(_DATA)
                    return data
            elif data.startswith(_DATA) and self._listener.hear(data[5:]):  # one event, as a rule
                self.estimated_output_tokens += 1
                self.is_ended = self._listener.is_ended
                return data
        self._cut(data)
        if is_last and self._held.size:
            self._take()
        self._is_between = not self._held.size
        return data

    def _cut(self, data: bytes) -> None:
        text = self._seam + data  # an end may lie across what was fed
        begin, new = 0, len(self._seam)
        while end := _find_end(text, begin):
            begin = end.end()
            self._held.add(text[new:begin])
            self._take()
            new = begin
        self._held.add(text[new:])
        self._seam = text[max(begin, len(text) - _OVERLAP) :]

    def _take(self) -> None:
        event = self._held.take()
        if isinstance(event, Long):
            self._listener.hear_part(*event)
        else:
            self._hear(event)
        self.is_ended = self._listener.is_ended

    def _hear(self, event: bytes) -> None:
        said = data_of(event)
        if not said:
            return
        self.estimated_output_tokens += 1
        if not self._words or any(word in event for word in self._words):
            self._listener.hear(said)
