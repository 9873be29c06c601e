"""What is done for limits while no request waits for it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
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
        self._over = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop, when what is under way is done: else nobody would know what was given back."""
        self._over.set()
        self._asking.stirred.set()
        await asyncio.wait({self._task}, timeout=self._asking.timing.deadline)
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _run(self) -> None:
        while not self._over.is_set():
            try:
                await self._round()
            except StoreError as error:
                if not self._is_failing:
                    _log.warning("limits cannot be looked after; it will be tried again: %s", error)
                self._is_failing = True
            except Exception:  # noqa: BLE001  one that nobody foresaw: what is held would never come back
                if not self._is_failing:
                    _log.exception("limits cannot be looked after, which nobody foresaw; it will be tried again")
                self._is_failing = True
            else:
                self._is_failing = False
            await self._pause()

    async def _pause(self) -> None:
        asking, timing = self._asking, self._asking.timing
        with suppress(TimeoutError):
            if not asking.is_busy:
                asking.stirred.clear()
                async with asyncio.timeout(timing.beat if asking.tenure.is_known else None):
                    await asking.stirred.wait()
            async with asyncio.timeout(timing.idle):
                await self._over.wait()

    async def _round(self) -> None:
        asking, tenure, timing = self._asking, self._asking.tenure, self._asking.timing
        now = asking.clock.elapsed()
        if asking.is_busy:
            self._idle_since = now
        if tenure.is_known and now - tenure.beat_at >= timing.beat:
            await asking.beat()
        await asking.tidy()
        if tenure.is_known and now - self._idle_since >= timing.forget:
            await asking.end()
        elif tenure.is_known and now - self._buried_at >= timing.beat:
            self._buried_at = now
            count = await tenure.bury()
            if count:
                _log.info("gave back what %d processes held that have not been heard of", count)
