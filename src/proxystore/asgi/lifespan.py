"""The lifespan of the wrapped proxy, with the store opened before it and closed after it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from proxystore.asgi.settling import settle
from proxystore.errors import ProxyStoreError

if TYPE_CHECKING:
    from proxystore.asgi.keeper import Keeper
    from proxystore.exchange.asgi import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

_COMPLETE: Final[Message] = {"type": "lifespan.shutdown.complete"}
_LAST: Final = frozenset({"lifespan.shutdown.complete", "lifespan.shutdown.failed"})
_SERVED_ALL_THE_SAME: Final = (
    "the application raised when it was told to start; it is served all the same, as servers do: "
    "one that must not be served sends lifespan.startup.failed"
)


class _NoLifespanMessage(ProxyStoreError):
    """This is no message of the lifespan protocol."""


class Lifespan:
    """One run of the lifespan protocol.

    A failure of ours is told as ``lifespan.startup.failed``: a server takes an exception for an application without
    lifespan, and serves on. So do we with a proxy that raises, as ASGI wants it; it gets our lifespan. One whose
    lifespan ends while it is served is served on, too: the store stays open until the server stops.
    """

    __slots__ = ("_app", "_is_over", "_is_started", "_is_stopping", "_keeper", "_last", "_receive", "_scope", "_send")

    def __init__(self, app: ASGIApp, keeper: Keeper, scope: Scope, receive: Receive, send: Send) -> None:
        self._app = app
        self._keeper = keeper
        self._scope = scope
        self._receive = receive
        self._send = send
        self._is_started = False
        self._is_stopping = False
        self._is_over = False
        self._last = _COMPLETE

    async def run(self) -> None:
        """Open, let the proxy start, serve and stop, close."""
        startup = await self._receive()
        if (problem := await self._problem()) is not None:
            await self._send({"type": "lifespan.startup.failed", "message": problem})
            return
        try:
            await self._run_inner(startup)
        finally:
            await self._keeper.close()

    async def _problem(self) -> str | None:
        """Open; return what keeps us from it, for the server to say: a traceback is for what we do not know."""
        try:
            await self._keeper.open()
        except ProxyStoreError as error:
            return str(error)
        except Exception as error:
            logger.exception("the store could not be opened")
            return str(error)
        return None

    async def _run_inner(self, startup: Message) -> None:
        waiting = [startup]

        async def receive() -> Message:
            return waiting.pop() if waiting else await self._hear()

        try:
            await self._app(self._scope, receive, self._pass_out)
        except Exception as error:
            if self._is_started:
                if not self._is_over:
                    await self._stand_in(_failed(error) if self._last is _COMPLETE else self._last)
                raise
            if not (waiting or self._is_over or isinstance(error, _NoLifespanMessage)):
                logger.exception(_SERVED_ALL_THE_SAME)
        if not self._is_over:
            await self._stand_in(self._last)

    async def _hear(self) -> Message:
        message = await self._receive()
        self._is_stopping = message["type"] == "lifespan.shutdown"
        return message

    async def _pass_out(self, message: Message) -> None:
        kind = message["type"]
        if kind == "lifespan.startup.complete":
            await self._start(message)
        elif kind == "lifespan.startup.failed":
            self._is_over = True
            await self._keeper.close()
            await self._send(message)
        elif kind not in _LAST:
            raise _NoLifespanMessage
        elif self._is_stopping:
            await self._finish(message)
        else:  # nobody has told it to stop, and there may be requests under way
            self._last = message

    async def _start(self, message: Message) -> None:
        self._is_started = True
        if self._keeper.house is not None and self._keeper.house.settings.gc_freeze:
            settle()
        await self._send(message)

    async def _finish(self, message: Message) -> None:
        """Close before the server hears that everything is over: it may not wait any longer."""
        self._is_over = True
        await self._keeper.close()
        await self._send(message)

    async def _stand_in(self, last: Message) -> None:
        """Be the lifespan of a proxy that has none, or has left early."""
        if not self._is_started:
            await self._start({"type": "lifespan.startup.complete"})
        elif last is not _COMPLETE and not self._is_stopping:
            logger.error("the application's lifespan has ended; it is served on: %s", last.get("message", ""))
        while not self._is_stopping:
            await self._hear()
        await self._finish(last)


def _failed(error: Exception) -> Message:
    return {"type": "lifespan.shutdown.failed", "message": str(error)}
