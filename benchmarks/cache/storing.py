"""How long storing keeps the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def longest_step() -> Iterator[Callable[[], float]]:
    """Measure the CPU time of each step of the event loop; give a function that tells the longest, in milliseconds."""
    longest = 0

    def timed(handle: Any) -> None:
        nonlocal longest
        started = time.thread_time_ns()
        run(handle)
        longest = max(longest, time.thread_time_ns() - started)

    handles: Any = asyncio.Handle
    run: Callable[[Any], None] = handles._run  # noqa: SLF001
    handles._run = timed  # noqa: SLF001
    try:
        yield lambda: longest / 1e6
    finally:
        handles._run = run  # noqa: SLF001


async def stored(ask: Callable[[int], Coroutine[Any, Any, None]], times: int) -> float:
    """Return the longest step of *times* requests whose answers are stored, in milliseconds, the first not counted."""
    await ask(-1)
    with longest_step() as longest:
        for number in range(times):
            await asyncio.create_task(ask(number))
        return longest()
