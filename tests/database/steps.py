"""Cancelling a coroutine wherever it can be cancelled: at its first await, at its second, and so on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any


class _Steps:
    """Counts the suspensions of every task of the loop, and cancels *victim* at one of them."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.count = 0
        self.victim: asyncio.Task[Any] | None = None

    def suspended(self) -> None:
        self.count += 1
        if self.count == self.at and self.victim is not None:
            self.victim.cancel()


class _Stepping:
    """Awaits *work* and tells of each suspension."""

    def __init__(self, work: Coroutine[Any, Any, Any], steps: _Steps) -> None:
        self._work = work
        self._steps = steps

    def __await__(self) -> Generator[Any, Any, Any]:
        step: Callable[[], Any] = lambda: self._work.send(None)  # noqa: E731
        while True:
            try:
                suspended = step()
            except StopIteration as end:
                return end.value
            # Where the task awaits something already: a cancellation from outside reaches it there.
            asyncio.get_running_loop().call_soon(self._steps.suspended)
            try:
                yield suspended
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is for the work
                step = _thrower(self._work, error)
            else:
                step = lambda: self._work.send(None)  # noqa: E731


def _thrower(work: Coroutine[Any, Any, Any], error: BaseException) -> Callable[[], Any]:
    return lambda: work.throw(error)


async def cancelled_at(step: int, work: Coroutine[Any, Any, Any]) -> bool:
    """Run *work*, cancel it at its *step*-th suspension or one of its errands', and say whether it came that far."""
    loop, steps = asyncio.get_running_loop(), _Steps(step)

    async def stepping(work: Coroutine[Any, Any, Any]) -> Any:
        return await _Stepping(work, steps)

    def create(loop: asyncio.AbstractEventLoop, work: Any, **more: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(stepping(work), loop=loop, **more)
        task.add_done_callback(lambda _: work.close())  # cancelled before it began, it would complain
        return task

    loop.set_task_factory(create)
    steps.victim = loop.create_task(work)
    try:
        await asyncio.wait((steps.victim,))
    finally:
        loop.set_task_factory(None)
    if not steps.victim.cancelled():
        steps.victim.result()
    return steps.count >= step
