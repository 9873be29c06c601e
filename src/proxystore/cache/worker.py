"""A thread that does, one after the other, what may wait for a disk or for another process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final, TypeVar

from proxystore.forkless import forkless

T = TypeVar("T")

_MOST: Final = 256
_STOP: Final = None


class Overloaded(Exception):
    """So much waits to be done that nothing is added."""


class Worker:
    """One daemon thread: a disk that hangs keeps no process alive. It begins with the first errand."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._errands: SimpleQueue[tuple[asyncio.Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._count = 0

    async def run(self, work: Callable[[], T]) -> T:
        """Do *work* in the thread, and return what it returned; it is done even if nobody waits any more.

        Raises:
            Overloaded: Too much waits already.
        """
        if self._count >= _MOST:
            raise Overloaded
        if self._thread is None:
            self._thread = Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._count += 1
        future.add_done_callback(self._forget)
        self._errands.put((future, work))
        return await asyncio.shield(future)

    def stop(self) -> None:
        """Let the thread end when all is done."""
        if self._thread is not None:
            self._errands.put(_STOP)
            self._thread = None

    def forget_parent(self) -> None:
        """Begin anew in a forked child, which has none of its parent's threads."""
        self._errands, self._thread, self._count = SimpleQueue(), None, 0

    def _forget(self, _: object) -> None:
        self._count = max(0, self._count - 1)

    def _work(self) -> None:
        errands = self._errands
        while (errand := errands.get()) is not _STOP:
            future, work = errand
            try:
                with forkless:
                    result, error = work(), None
            except BaseException as failure:  # noqa: BLE001  whoever waits is told
                result, error = None, failure
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                future.get_loop().call_soon_threadsafe(_tell, future, result, error)
            del errand, future, work, result, error


def _tell(future: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
        future.exception()  # whoever waited may have gone
