"""Hearing what PostgreSQL is told to pass on: ``LISTEN``, on a connection of its own that is kept alive.

A connection that listens can fall silent without anybody saying so: its server died, a firewall forgot it, or a pooler
(pgbouncer, between transactions) gave its server to somebody else. So it is tried every few seconds, from another
connection, and replaced when it did not hear that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final
from uuid import uuid4

import asyncpg
from sqlalchemy import Text, bindparam, func, select

from proxystore.database.database import Database
from proxystore.database.library import server_address
from proxystore.database.statement import Query
from proxystore.errors import ProxyStoreError

logger = logging.getLogger(__name__)

_NOTIFY: Final[Query[dict[str, Any]]] = Query(
    select(func.pg_notify(bindparam("channel", type_=Text), bindparam("payload", type_=Text)).label("nothing")), dict
)
_LET_IN: Final = 5.0
_TRIED_EVERY: Final = 5.0
_HEARD_WITHIN: Final = 1.0
_SHORTEST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 60.0


class Listener:
    """Calls *heard* whenever somebody notifies *channel*, and once for whatever was missed before.

    Never raises, and never gives up: what it cannot hear has to be found out in another way.

    Args:
        database: An open database, on PostgreSQL.
        channel: What to listen to.
        heard: Called on the event loop.
    """

    def __init__(self, database: Database, channel: str, heard: Callable[[], None]) -> None:
        self._database = database
        self._channel = channel
        self._heard = heard
        self._own = f"{channel}_{uuid4().hex}"
        self._echo = asyncio.Event()
        self._lost = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._left: set[asyncio.Task[Any]] = set()
        self.is_listening = False

    def start(self) -> None:
        """Begin, in a task of its own."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Hang up."""
        task, self._task = self._task, None
        if task is not None and not task.get_loop().is_closed():
            task.cancel()
            if task.get_loop() is asyncio.get_running_loop():
                await asyncio.wait((task,), timeout=_HEARD_WITHIN)
                if self._left:  # a connection that was being made
                    await asyncio.wait(self._left, timeout=_HEARD_WITHIN)

    async def _run(self) -> None:
        pause = _SHORTEST_PAUSE
        while True:
            was_heard = False
            try:
                was_heard = await self._listen()
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ProxyStoreError) as error:
                logger.debug("cannot listen to the database: %s", type(error).__name__)
            finally:
                self.is_listening = False
            pause = _SHORTEST_PAUSE if was_heard else min(pause * 2, _LONGEST_PAUSE)
            await asyncio.sleep(pause)

    async def _listen(self) -> bool:
        """Listen until the connection falls silent; return whether it ever was not."""
        self._lost.clear()
        was_heard = False
        connection = await self._within(_LET_IN, asyncpg.connect(**server_address(self._database.url), timeout=_LET_IN))
        try:
            connection.add_termination_listener(lambda _: self._lost.set())
            await self._within(_LET_IN, connection.add_listener(self._own, lambda *_: self._echo.set()))
            await self._within(_LET_IN, connection.add_listener(self._channel, lambda *_: self._heard()))
            self._heard()
            while await self._hears():
                self.is_listening = was_heard = True
                await _happened(self._lost, _TRIED_EVERY)
        finally:
            connection.terminate()  # there is nothing to say goodbye to, and nothing to wait for
        return was_heard

    async def _within(self, deadline: float, work: Coroutine[Any, Any, Any]) -> Any:
        """Return what *work* returns, or leave it behind: asyncpg that is cancelled may wait on for a frozen server."""
        task = asyncio.get_running_loop().create_task(work)
        try:
            await asyncio.wait((task,), timeout=deadline)
        except asyncio.CancelledError:
            self._leave(task)
            raise
        if not task.done():
            self._leave(task)
            raise TimeoutError
        return task.result()

    def _leave(self, task: asyncio.Task[Any]) -> None:
        task.cancel()
        self._left.add(task)
        task.add_done_callback(self._forget)  # also where it has just been done: nobody else will hear of it

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._left.discard(task)
        if not task.cancelled() and task.exception() is None and isinstance(task.result(), asyncpg.Connection):
            task.result().terminate()  # it was let in after all

    async def _hears(self) -> bool:
        self._echo.clear()
        if self._lost.is_set():
            return False
        await self._database.fetch_all(_NOTIFY, channel=self._own, payload="")
        return await _happened(self._echo, _HEARD_WITHIN)


async def _happened(event: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
