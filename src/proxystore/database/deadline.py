"""Waiting for a driver no longer than one wants to."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from proxystore.errors import StoreTimeout

T = TypeVar("T")


class Errands:
    """Work with drivers, each piece in a task of its own.

    A driver that is cancelled may go on waiting for a server that does not answer. So nobody awaits the driver itself:
    whoever is cancelled, or has waited long enough, leaves, and the task is told to clean up behind them.
    """

    def __init__(self) -> None:
        self._left: set[asyncio.Task[Any]] = set()

    async def run(self, work: Coroutine[Any, Any, T], deadline: float) -> T:
        """Return what *work* returns.

        Raises:
            StoreTimeout: It took longer than *deadline* seconds; it has been cancelled, but may have done its work.
        """
        task = asyncio.get_running_loop().create_task(work)
        try:
            await asyncio.wait((task,), timeout=deadline)
        finally:
            if not task.done():
                self._leave(task)
        if not task.done():
            raise StoreTimeout
        return task.result()

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run *work*, which nobody waits for."""
        task = asyncio.get_running_loop().create_task(work)
        self._keep(task)
        return task

    async def settle(self, deadline: float) -> None:
        """Wait for what was left behind, at most *deadline* seconds."""
        if self._left:
            await asyncio.wait(self._left, timeout=deadline)

    def _leave(self, task: asyncio.Task[Any]) -> None:
        task.cancel()
        self._keep(task)

    def _keep(self, task: asyncio.Task[Any]) -> None:
        self._left.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._left.discard(task)
        if not task.cancelled():
            task.exception()  # else asyncio complains that nobody looked
