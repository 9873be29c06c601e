"""Server-sent events, wherever the network cut them."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

LONGEST_HELD: Final = 64 * 1024
"""How much of one incomplete event is remembered, in bytes; a longer one passes unread."""

# A line ends with LF, CRLF or CR, an event with an empty line. A CR at the very end waits for the LF that may follow.
_find_end: Final = re.compile(rb"\n(?:\n|\r\n|\r(?=[^\n]))|\r\r").search
_LONGEST_END: Final = 3
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class Piece(NamedTuple):
    """A part of a stream: a whole event with the empty line that ends it, or a part of one too long to hold."""

    text: bytes
    is_event: bool


class Splitter:
    """Cuts a stream into events. What it was fed is what it returns, joined, and :attr:`held`."""

    __slots__ = ("_is_passing", "_tail", "held")

    def __init__(self) -> None:
        self.held = b""
        self._is_passing = False
        self._tail = b""

    @property
    def is_between(self) -> bool:
        """Whether the next byte starts an event."""
        return not self.held and not self._is_passing

    def feed(self, data: bytes, *, is_last: bool) -> list[Piece]:
        """Return the events that *data* completes; the last one may lack its empty line."""
        pieces: list[Piece] = []
        if self._is_passing:
            data = self._pass(data, pieces)
        text = self.held + data
        begin = self._cut(text, pieces)
        rest = text[begin:] if begin else text
        if rest and is_last:
            pieces.append(Piece(rest, is_event=True))
            rest = b""
        elif len(rest) > LONGEST_HELD:
            pieces.append(Piece(rest, is_event=False))
            self._is_passing, self._tail, rest = True, rest[1 - _LONGEST_END :], b""
        self.held = rest
        return pieces

    def _cut(self, text: bytes, pieces: list[Piece]) -> int:
        begin, position = 0, max(0, len(self.held) + 1 - _LONGEST_END)
        while end := _find_end(text, position):
            position = end.end()
            pieces.append(Piece(text[begin:position], is_event=True))
            begin = position
        return begin

    def _pass(self, data: bytes, pieces: list[Piece]) -> bytes:
        seen = self._tail + data
        end = _find_end(seen)
        cut = end.end() - len(self._tail) if end else len(data)
        pieces.append(Piece(data[:cut], is_event=False))
        self._is_passing, self._tail = end is None, seen[1 - _LONGEST_END :]
        return data[cut:]


def data_of(event: bytes) -> bytes:
    """Return the data lines of *event*, joined; a byte order mark is passed over."""
    lines = event.removeprefix(_BYTE_ORDER_MARK).splitlines()
    if len(lines) <= 2 and event.startswith(b"data: "):  # one line and the empty one: nearly all
        return lines[0][6:]
    return b"\n".join(line[5:].removeprefix(b" ") for line in lines if line.startswith(b"data:"))


def name_of(event: bytes) -> bytes:
    """Return what the ``event:`` line says, empty if there is none."""
    lines = event.removeprefix(_BYTE_ORDER_MARK).splitlines()
    return next((line[6:].removeprefix(b" ") for line in reversed(lines) if line.startswith(b"event:")), b"")
