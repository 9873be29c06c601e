"""How often, and for how long, somebody had to wait for a connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import monotonic


class Waits:
    """Counts who waits for a connection of one pool.

    Attributes:
        count: How many had to wait, be it in vain.
        seconds: For how long, all together.
    """

    __slots__ = ("_in_use", "_size", "count", "seconds")

    def __init__(self, size: int) -> None:
        self._size = size
        self._in_use = 0
        self.count = 0
        self.seconds = 0.0

    async def take(self, acquire: Callable[[], Awaitable[object]]) -> None:
        """Await *acquire*, which takes a connection, and take note if none was free."""
        if self._in_use < self._size:
            await acquire()
        else:
            self.count += 1
            begun = monotonic()
            try:
                await acquire()
            finally:
                self.seconds += monotonic() - begun
        self._in_use += 1

    def give_back(self) -> None:
        """Take note that a connection is free again."""
        self._in_use -= 1
