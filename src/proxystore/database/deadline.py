"""Waiting for a driver no longer than one wants to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from proxystore.database.translating import translated
from proxystore.errors import StoreTimeout

T = TypeVar("T")


class Errands:
    """Work with a driver that ends in time.

    A driver that is cancelled may go on waiting for a server that does not answer. So its work is done in tasks of its
    own, and nobody awaits the driver itself: whoever is cancelled, or has waited long enough, leaves, and the task is
    told to clean up behind them.

    Args:
        is_prompt: Whether the driver gives up at once when it is cancelled. Then its work is awaited in place, which
            is three turns of the event loop faster.
    """

    def __init__(self, *, is_prompt: bool) -> None:
        self._is_prompt = is_prompt
        self._left: set[asyncio.Task[Any]] = set()

    async def run(self, work: Callable[[], Awaitable[T]], deadline: float) -> T:
        """Return what *work* returns when awaited; what it raises becomes an error of ours.

        Raises:
            StoreTimeout: It took longer than *deadline* seconds; it has been cancelled, but may have done its work.
        """
        # A function and no coroutine: a task that is cancelled before it begins would leave that unawaited.
        return await (_in_place(work, deadline) if self._is_prompt else self._in_a_task(work, deadline))

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run *work*, which nobody waits for."""
        task = asyncio.get_running_loop().create_task(work)
        self._keep(task)
        return task

    async def settle(self, deadline: float) -> None:
        """Wait for what nobody waited for, at most *deadline* seconds."""
        if self._left:
            await asyncio.wait(self._left, timeout=deadline)

    async def _in_a_task(self, work: Callable[[], Awaitable[T]], deadline: float) -> T:
        task = asyncio.get_running_loop().create_task(translated(work))
        try:
            await asyncio.wait((task,), timeout=deadline)
        finally:
            if not task.done():
                task.cancel()
                self._keep(task)
        if not task.done():
            raise StoreTimeout
        return task.result()

    def _keep(self, task: asyncio.Task[Any]) -> None:
        self._left.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._left.discard(task)
        if not task.cancelled():
            task.exception()  # else asyncio complains that nobody looked


async def _in_place(work: Callable[[], Awaitable[T]], deadline: float) -> T:
    try:
        async with asyncio.timeout(deadline):
            return await translated(work)
    except TimeoutError:
        raise StoreTimeout from None
