"""The client's side of one HTTP exchange: what it sends, and whether it is still there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeAlias

from proxystore.exchange import ClientGone

if TYPE_CHECKING:
    from proxystore.exchange.asgi import Message, Receive

RequestBody: TypeAlias = bytes | AsyncIterator[bytes] | None

# Most answers are there sooner, and need no task that listens for a client to leave.
_PATIENCE: Final = 0.02
_AT_ONCE: Final = 256 * 1024  # a longer body is handed on in pieces of this size, as fast as the upstream reads


class Client:
    """Reads the request, then listens for the client's leaving.

    As a context manager, it stops what is done within once the client has gone: the task is cancelled there, wherever
    it waits, and goes on after the block.

    Attributes:
        is_gone: Whether it has left before the end.
    """

    __slots__ = ("_cancelling", "_first", "_is_over", "_listening", "_receive", "_task", "_timer", "is_gone")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._first: Message = {}
        self._listening: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self._is_over = False
        self.is_gone = False

    async def body(self) -> RequestBody:
        """Return the body: as a whole if it has arrived whole, else as an iterator that reads on.

        Raises:
            ClientGone: The client left before its request was complete.
        """
        self._first = await self._next()
        data: bytes = self._first.get("body", b"")
        if self._first.get("more_body", False) or len(data) > _AT_ONCE:
            return self._pieces()
        return data or None

    async def __aenter__(self) -> Self:
        self._task = asyncio.current_task()
        assert self._task is not None  # noqa: S101 — coroutines run in tasks
        self._cancelling = self._task.cancelling()
        if not self._first.get("more_body", False):
            self._listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        self.stop_listening()
        if not self.is_gone or self._task is None:
            return False
        is_ours = self._task.uncancel() <= self._cancelling
        return isinstance(error, Exception) or (isinstance(error, asyncio.CancelledError) and is_ours)

    def stop_listening(self) -> None:
        """Let the client leave when it likes: everything it is sent is there."""
        self._is_over = True
        for waiting in (self._timer, self._listening):
            if waiting is not None:
                waiting.cancel()

    def _listen(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_PATIENCE, self._listen_now)

    def _listen_now(self) -> None:
        self._listening = asyncio.create_task(self._wait_for_leaving())

    async def _wait_for_leaving(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._leave()

    def _leave(self) -> None:
        self.is_gone = True
        if self._task is not None:
            self._task.cancel()

    async def _pieces(self) -> AsyncIterator[bytes]:
        message = self._first
        while True:
            data = memoryview(message.get("body", b""))
            for start in range(0, len(data), _AT_ONCE):
                yield bytes(data[start : start + _AT_ONCE])
            if not message.get("more_body", False):
                break
            message = await self._next()
        if message is not self._first and not self._is_over:  # else it began with the exchange
            self._listen()

    async def _next(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._leave()
            raise ClientGone
        return message
