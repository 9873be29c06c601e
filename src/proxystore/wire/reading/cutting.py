"""What is still arriving, until it is whole."""

from __future__ import annotations

from typing import Final, NamedTuple

LONGEST_WHOLE: Final = 1024 * 1024
"""How much of one event or object is kept, in bytes: an answer as long as that is kept, the image in one is not."""

_HEAD: Final = 512
_TAIL: Final = 16 * 1024


class Long(NamedTuple):
    """The beginning and the end of something too long to keep."""

    head: bytes
    tail: bytes


class Held:
    """Bytes that wait for the rest of what they belong to; memory stays bounded, and nothing is copied twice."""

    __slots__ = ("_head", "_parts", "size")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._head = b""
        self.size = 0

    def add(self, data: bytes) -> None:
        """Take the next bytes."""
        if not data:
            return
        self._parts.append(data)
        self.size += len(data)
        if self.size > LONGEST_WHOLE:
            joined = b"".join(self._parts)
            self._head = self._head or joined[:_HEAD]
            self._parts = [joined[-_TAIL:]]

    def take(self) -> bytes | Long:
        """Return what has arrived, and forget it."""
        text = b"".join(self._parts) if len(self._parts) != 1 else self._parts[0]
        taken = Long(self._head, text) if self._head else text
        self._parts, self._head, self.size = [], b"", 0
        return taken
