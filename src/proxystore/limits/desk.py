"""Asking the database for what pools want: one call at a time, for all that want something by then."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, TypeAlias

from proxystore.errors import StoreError
from proxystore.limits.clock import Clock
from proxystore.limits.pool import Pool

MEMORY: Final = 0.25  # seconds for which a refusal is remembered


class Answer(NamedTuple):
    """What was given for what was needed, out of what was left."""

    pool: Pool
    need: int
    granted: int
    rest: int
    is_owed: bool = False


Ask: TypeAlias = Callable[[Sequence[Pool]], Awaitable[list[Answer]]]


class Desk:
    """Where pools queue.

    Args:
        ask: Asks the database for what pools want.
        clock: Tells how long refusals are remembered.

    Attributes:
        calls: How often the database was asked.
    """

    def __init__(self, ask: Ask, clock: Clock) -> None:
        self.calls = 0
        self._ask = ask
        self._clock = clock
        self._queue: list[Pool] = []
        self._task: asyncio.Task[None] | None = None

    def want(self, pool: Pool) -> None:
        """Have *pool* asked for soon; harmless when it is queued already."""
        if pool.is_wanted:
            return
        pool.is_wanted = True
        self._queue.append(pool)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self, patience: float) -> None:
        """Ask no more, and wait for what is being asked: else nobody would know what was given."""
        queue, self._queue = self._queue, []
        for pool in queue:
            pool.is_wanted = False
            pool.fail(StoreError())
        task, self._task = self._task, None
        if task is not None and not task.done():
            await asyncio.wait({task}, timeout=patience)
            task.cancel()
            await asyncio.wait({task})

    async def _run(self) -> None:
        while self._queue:
            pools, self._queue = self._queue, []
            for pool in pools:
                pool.is_wanted = False
            self.calls += 1
            try:
                answers = await self._ask(pools)
            except asyncio.CancelledError:
                _fail(pools, StoreError())
                raise
            except Exception as error:  # noqa: BLE001  whoever waits has to be told, whatever it was
                _fail(pools, error)
                continue
            for answer in answers:
                self._deal(answer)

    def _deal(self, answer: Answer) -> None:
        """Serve those who wait; who waits still is asked for again."""
        pool, need, granted, rest, is_owed = answer
        pool.rest = rest - granted
        pool.receive(granted, 0 if is_owed else granted - need)
        if need and not granted:
            least = pool.turn_away(pool.free + max(0, rest))
            if least is not None:
                now = self._clock.elapsed()
                pool.refuse(least, now, min(now + MEMORY, pool.usable_until))
        if pool.waiting:
            self.want(pool)


def _fail(pools: Sequence[Pool], error: Exception) -> None:
    for pool in pools:
        pool.is_doubtful = pool.span is not None
        pool.fail(error)
