"""What the host's writer does beside writing: months ahead, and deleting what is old."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from time import monotonic
from typing import Final

from proxystore.database import Database
from proxystore.errors import StoreError
from proxystore.ledger.partitions import make_ahead
from proxystore.ledger.retention import Cut, cleaned

_FIRST: Final = 30.0  # seconds after the start: a start has other things to do
_INTERVAL: Final = 3_600.0
_AGAIN: Final = 300.0  # after a failure
_log: Final = logging.getLogger(__name__)


class Upkeep:
    """Runs once an hour on whichever process is its host's writer, with a connection of its own.

    Args:
        database: Makes the database to work on.
        events_keep: For how many days events are kept; 0 is for ever.
        cut: Cuts the audit chain, where that is wanted.
        first: Seconds until the first round.
    """

    def __init__(
        self, database: Callable[[], Database], *, events_keep: int, cut: Cut | None = None, first: float = _FIRST
    ) -> None:
        self._new_database = database
        self._events_keep = events_keep
        self._cut = cut
        self._pause = first

    async def run(self, is_ours: Callable[[], bool]) -> None:
        """Go round until cancelled; idle while *is_ours* says that another process is the writer."""
        while True:
            await asyncio.sleep(self._pause)
            self._pause = await self._turn() if is_ours() else _FIRST

    async def _turn(self) -> float:
        try:
            async with self._new_database() as database:
                await self._work(database)
        except StoreError as error:
            _log.warning("cleaning up will be tried again: %s", error)
            return _AGAIN
        except Exception:  # noqa: BLE001  what a driver raises when its server dies is anybody's guess
            _log.exception("cleaning up will be tried again")
            return _AGAIN
        return _INTERVAL

    async def _work(self, database: Database) -> None:
        await make_ahead(database)
        started = monotonic()
        async for table, count in cleaned(database, events_keep=self._events_keep, cut=self._cut):
            if count:
                _log.debug("%d rows of %s were old and went", count, table)
            await asyncio.sleep(monotonic() - started)  # half of the time is for others
            started = monotonic()
