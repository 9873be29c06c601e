"""A response that is one document, of which only a little is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

LONGEST_READ: Final = 16 * 1024 * 1024
"""How much of a document is collected, in bytes; of a longer one only the tail is read."""

_TAIL: Final = 8 * 1024


class Collector:
    """Collects a document, or the tail of one that is too long: that is where usage tends to stand."""

    __slots__ = ("_is_whole", "_parts", "_size")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._is_whole = True

    def add(self, data: bytes) -> None:
        """Take the next bytes."""
        self._parts.append(data)
        self._size += len(data)
        if self._size > LONGEST_READ:
            self._is_whole = False
        if not self._is_whole:
            self._parts = [b"".join(self._parts)[-_TAIL:]]

    def take(self, *names: bytes) -> Iterator[bytes]:
        """Return readings of what was collected, the best one first, and forget it.

        Args:
            names: The members wanted, in quotes. Of a tail, what begins at the last of one of them is an object again
                if that member is the document's own: inside a string its quotes would be escaped, and inside an
                object of its own one bracket too many would follow.
        """
        text = b"".join(self._parts)
        self._parts.clear()
        if self._is_whole:
            yield text
            return
        for name in names:
            _, found, rest = text.rpartition(name)
            yield b"{" + found + rest if found else b""
