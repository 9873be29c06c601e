"""A cable between a server and its database, that can be cut, blocked and slowed down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit, urlunsplit

from proxystore.settings import Settings


class Cable:
    """Passes bytes on.

    Attributes:
        delay: Seconds that everything takes, each way.
        port: Where it is plugged in.
        messages: How much the server has sent so far, in pieces.
    """

    def __init__(self, host: str, port: int) -> None:
        self.delay = 0.0
        self.port = 0
        self.messages = 0
        self._there = host, port
        self._is_clear = asyncio.Event()
        self._is_clear.set()
        self._is_cut = False
        self._ends: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def block(self) -> None:
        """Swallow what is sent, without a word: to both ends the other seems frozen."""
        self._is_clear.clear()

    def cut(self) -> None:
        """Break every connection and let no new one in."""
        self._is_cut = True
        for end in self._ends:
            end.transport.abort()

    def mend(self) -> None:
        """Be as before; what was swallowed arrives."""
        self._is_cut, self.delay = False, 0.0
        self._is_clear.set()

    async def plug(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        if self._is_cut:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection(*self._there)
        self._ends |= {writer, back}
        self._tasks |= {
            asyncio.create_task(self._carry(reader, back, 1)),
            asyncio.create_task(self._carry(there, writer, 0)),
        }

    async def unplug(self) -> None:
        """Let go of everything."""
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, weight: int) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                self.messages += weight
                await asyncio.sleep(self.delay)
                await self._is_clear.wait()
                writer.write(data)
        writer.transport.abort()


@asynccontextmanager
async def cable(settings: Settings) -> AsyncIterator[tuple[Cable, Settings]]:
    """Give a cable to the database of *settings*, and settings that lead through it."""
    parts = urlsplit(settings.database_url)
    made = Cable(parts.hostname or "127.0.0.1", parts.port or 5432)
    server = await asyncio.start_server(made.plug, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    place = f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{made.port}".removeprefix("@")
    url = urlunsplit(parts._replace(netloc=place))
    try:
        yield made, Settings(**{**settings.model_dump(exclude_unset=True), "database_url": url})
    finally:
        server.close()
        await made.unplug()
