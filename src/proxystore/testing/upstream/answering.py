"""What every API's part of the upstream is given, and gives."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Final, NamedTuple

from proxystore.exchange.asgi import Send

BUILD: Final = "-2024-08-06"
CREATED: Final = 1_700_000_000


class Words(NamedTuple):
    """An answer, to be told whole or word by word.

    Attributes:
        text: All of it.
        delay: Seconds before each word, or before all.
    """

    text: str
    delay: float

    @property
    def number(self) -> int:
        """How many there are."""
        return len(self._parts)

    @property
    def _parts(self) -> list[str]:
        return re.findall(r"\S+\s*", self.text)

    async def each(self) -> AsyncIterator[str]:
        """Return them, one after the other."""
        for part in self._parts:
            await asyncio.sleep(self.delay)
            yield part

    async def whole(self) -> str:
        """Return all of them."""
        await asyncio.sleep(self.delay)
        return self.text


class Place(NamedTuple):
    """Where an answer goes.

    Attributes:
        words: What the model says.
        send: The server's.
    """

    words: Words
    send: Send
