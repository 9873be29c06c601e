"""A response that is a JSON array of objects which arrive one after the other."""

from __future__ import annotations

import re
from typing import Final

from proxystore.wire.reading.cutting import Held, Long
from proxystore.wire.reading.listener import Listener
from proxystore.wire.reading.reader import StreamReader

_BETWEEN: Final = b" \t\r\n,[]"
# Past everything but brackets, in strings and outside of them; a string that has not ended yet is not passed.
_pass: Final = re.compile(rb'(?:[^"{}]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL).match
_find_quote: Final = re.compile(rb'(?:[^"\\]|\\.)*+"', re.DOTALL).match


class ArrayReader(StreamReader):
    """Reads along an array, wherever the network has cut it, and forwards it as it came (a `Meter`).

    Only the object that is arriving is kept, so that a stream stays one.

    Args:
        listener: Told what each object says.
    """

    __slots__ = ("_depth", "_held", "_is_escaped", "_is_text")

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener)
        self._held = Held()
        self._depth = 0
        self._is_text = False
        self._is_escaped = False

    def feed(self, data: bytes, *, is_last: bool) -> bytes:
        """Take the next bytes and return them."""
        if self._depth == 0:
            said = data.strip(_BETWEEN)
            if not said:
                return data
            if self._listener.hear(said):  # one object, as a rule
                self.estimated_output_tokens += 1
                return data
        self._cut(data)
        return data

    def _cut(self, data: bytes) -> None:
        begin = position = 0
        while position < len(data):
            if self._is_text:
                position = self._end_of_text(data, position)
                continue
            passed = _pass(data, position)
            position = passed.end() + 1 if passed else len(data)
            mark = data[position - 1 : position]
            if mark == b'"':
                self._is_text = self._depth > 0
            elif mark == b"{":
                begin = begin if self._depth else position - 1
                self._depth += 1
            elif mark == b"}" and self._depth:
                self._depth -= 1
                if not self._depth:
                    self._hear(data[begin:position])
        if self._depth:
            self._held.add(data[begin:])

    def _end_of_text(self, data: bytes, position: int) -> int:
        """Return where the string that *position* is inside of ends; remember if it does not."""
        if self._is_escaped:
            self._is_escaped = False
            position += 1
        end = _find_quote(data, position)
        if end is not None:
            self._is_text = False
            return end.end()
        backslashes = len(data) - max(position, len(data.rstrip(b"\\")))
        self._is_escaped = backslashes % 2 == 1
        return len(data)

    def _hear(self, rest: bytes) -> None:
        self._held.add(rest)
        said = self._held.take()
        self.estimated_output_tokens += 1
        if isinstance(said, Long):
            self._listener.hear_part(*said)
        else:
            self._listener.hear(said)
