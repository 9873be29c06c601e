"""What is done for limits while no request waits for it."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from proxystore.errors import StoreError
from proxystore.limits.asking import Asking

_log: Final = logging.getLogger(__name__)


class Upkeep:
    """Gives back what is not used, lets others know that we live, and gives back what the dead held.

    Sleeps while this process holds nothing.
    """

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._idle_since = 0.0
        self._buried_at = 0.0
        self._is_failing = False
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop; where the event loop it ran on is gone, it has."""
        if self._task.get_loop() is asyncio.get_running_loop():
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        while True:
            await self._pause()
            try:
                await self._round()
            except StoreError as error:
                if not self._is_failing:
                    _log.warning("limits cannot be looked after; it will be tried again: %s", error)
                self._is_failing = True
            else:
                self._is_failing = False

    async def _pause(self) -> None:
        asking, timing = self._asking, self._asking.timing
        if asking.is_busy:
            await asyncio.sleep(timing.idle)
            return
        asking.stirred.clear()
        try:
            async with asyncio.timeout(timing.beat if asking.tenure.is_known else None):
                await asking.stirred.wait()
        except TimeoutError:
            return
        await asyncio.sleep(timing.idle)

    async def _round(self) -> None:
        asking, tenure, timing = self._asking, self._asking.tenure, self._asking.timing
        now = asking.clock.elapsed()
        if asking.is_busy:
            self._idle_since = now
        if tenure.is_known and now >= tenure.ends_at:
            await asking.renew()
        if tenure.is_known and now - tenure.beat_at >= timing.beat:
            await tenure.beat()
        await asking.tidy()
        if tenure.is_known and now - self._idle_since >= timing.forget:
            await asking.end()
        elif tenure.is_known and now - self._buried_at >= timing.beat:
            self._buried_at = now
            count = await tenure.bury()
            if count:
                _log.info("gave back what %d processes held that have not been heard of", count)
