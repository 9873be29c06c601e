"""The rounds of the host's writer: read what is new in the journals, write it down, wait a little."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol
from uuid import UUID

import msgspec

from proxystore.database import Database
from proxystore.errors import StoreBusy, StoreClosed, StoreError
from proxystore.ledger import progress
from proxystore.ledger.election import Election
from proxystore.ledger.haste import Haste
from proxystore.ledger.recorder import Recorder
from proxystore.ledger.segments import Segments
from proxystore.ledger.status import LedgerStatus
from proxystore.ledger.tail import Item
from proxystore.ledger.upkeep import Upkeep

_POLL: Final = 0.025  # seconds between looks at journals that had nothing new
_CANDIDATURE: Final = 0.05
_LEAST_PAUSE: Final = 0.05
_IMPATIENT_PAUSE: Final = 0.005  # where requests wait for the commit
_LONGEST_PAUSE: Final = 5.0
_LEAST_BATCH: Final = 100
_LARGEST_BATCH: Final = 5_000
_LONGEST_HOLD: Final[Mapping[str, float]] = {"sqlite": 0.01, "postgresql": 0.1}
"""Seconds for which a batch may keep others waiting: on SQLite all who write, elsewhere who wants the same rows."""
_INSTANT: Final = 0.001
_TIDY_AFTER: Final = 2_000  # pages of SQLite's log, about: one for an event
_PAGES: Final = 20  # … and so many more for a batch
_USUAL_SIZE: Final = 500  # bytes of an entry's beginning and end
_log: Final = logging.getLogger(__name__)


class Recording(Protocol):
    """What writes batches down. See `Recorder`."""

    recorded: int
    replayed: int
    dead_lettered: int
    damaged_bytes: int
    held: float

    def forget(self) -> None:
        """See `Recorder.forget`."""

    async def record(self, items: Sequence[Item]) -> None:
        """See `Recorder.record`."""


class Drainer:
    """Reads only segments, never memory, and believes only the database about how far they have been written down.

    Whatever goes wrong, it forgets all it knew, connects anew, and begins again from what the database says.

    Args:
        database: Its own; closed when it ends.
        segments: What it reads.
        directory: Where they are.
        recorder: What writes batches down; by default as usage.
        upkeep: What the host's writer does besides.
        on_skipped: Told of segments that somebody has had skipped, in the database.
        on_gone: Told of processes whose journals have been written down to their end.
        is_awaited: Whether requests wait for what it does.
    """

    def __init__(
        self,
        database: Database,
        segments: Segments,
        directory: Path,
        *,
        on_skipped: Callable[[UUID], object] = lambda _: None,
        recorder: Recording | None = None,
        upkeep: Upkeep | None = None,
        on_gone: Callable[[Collection[UUID]], Awaitable[None]] | None = None,
        is_awaited: bool = False,
    ) -> None:
        self._on_skipped = on_skipped
        self._on_gone = on_gone
        self._swept: set[UUID] = set()
        self._upkeep = upkeep
        self._poll = _IMPATIENT_PAUSE if is_awaited else _POLL
        self._pause = _IMPATIENT_PAUSE if is_awaited else _LEAST_PAUSE
        self._recorder: Recording = recorder or Recorder(database, segments, directory)
        self._caught_up_at: datetime | None = None
        self._database = database
        self._segments = segments
        self._election = Election(directory / "writer.lock")
        self._batch = _LEAST_BATCH
        self._failures = 0
        self._haste = Haste()
        self._untidy = 0
        self._pending_bytes = 0
        self._opening = asyncio.Lock()
        self._is_over = False
        self._wake = asyncio.Event()

    def status(self, known: LedgerStatus) -> LedgerStatus:
        """Return *known* with what the writer knows; may be asked from any thread."""
        return msgspec.structs.replace(
            known,
            is_writer=self._election.is_won,
            pending=-(-self._pending_bytes // _USUAL_SIZE),
            caught_up_at=self._caught_up_at,
            recorded=self._recorder.recorded,
            replayed=self._recorder.replayed,
            dead_lettered=self._recorder.dead_lettered,
            damaged_bytes=self._recorder.damaged_bytes,
            ignored=self._segments.ignored,
        )

    async def run(self) -> None:
        """Go round until cancelled."""
        upkeep = self._upkeep
        beside = None if upkeep is None else asyncio.create_task(upkeep.run(lambda: self._election.is_won))
        try:
            while True:
                self._wake.clear()
                pause = await self._turn()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), pause)
        finally:
            if beside is not None:
                beside.cancel()
                await asyncio.wait({beside})
            self._haste.set(is_on=False)
            self._segments.forget()
            self._election.resign()
            self._is_over = True
            async with self._opening:
                with suppress(StoreError):
                    await self._database.close()

    async def reach(self, ends: Mapping[UUID, int]) -> None:
        """Return once the segments named in *ends* are written down that far, by whichever process."""
        acked: Mapping[UUID, int] = {}
        while any(acked.get(segment_id, 0) < end for segment_id, end in ends.items()):
            acked = await self.progress(ends)
            await asyncio.sleep(self._poll)

    async def progress(self, segment_ids: Collection[UUID]) -> Mapping[UUID, int]:
        """Return how far segments are written down, and hurry; nothing where the database does not say."""
        self._wake.set()
        try:
            await self._connect()
            return await progress.find(self._database, segment_ids)
        except StoreError:
            return {}

    async def _turn(self) -> float:
        """Do what is to be done now; return in how many seconds to come back."""
        try:
            pause = await self._round() if self._election.run() else min(_CANDIDATURE, self._poll * 2)
        except Exception as error:  # noqa: BLE001  what a driver raises when its server dies is anybody's guess
            return await self._recover(error)
        if self._failures:
            _log.info("the ledger's writer goes on after %d failures", self._failures)
            self._failures = 0
        return pause

    async def _round(self) -> float:
        await self._connect()
        new = {tail.segment_id for tail in self._segments.refresh()}
        await self._tell_of_gone()
        for segment_id in self._segments.acknowledge((await progress.find(self._database, new)).items()):
            _log.error("segment %s is said to be written down beyond its end: it is read again", segment_id)
            self._on_skipped(segment_id)
        self._pending_bytes = self._segments.pending_bytes
        items = self._segments.read(self._batch)
        is_behind = len(items) >= self._batch
        self._haste.set(is_on=is_behind)
        took = await self._write_down(items) if items else 0.0
        if not is_behind:
            self._swept |= self._segments.sweep()
            self._caught_up_at = datetime.now(UTC)
        self._pending_bytes = self._segments.pending_bytes
        if is_behind:
            return 0.0
        return max(self._pause, took) if items else self._poll

    async def _tell_of_gone(self) -> None:
        """Tell of processes that nothing is left of, now that we have looked again: a full segment has a successor."""
        if self._swept and self._on_gone is not None:
            gone = [process_id for process_id in self._swept if not self._segments.has(process_id)]
            if gone:
                await self._on_gone(gone)
        self._swept.clear()

    async def _write_down(self, items: Sequence[Item]) -> float:
        """Return how many seconds it took; the next batch is of a size that keeps nobody waiting for long."""
        started = time.monotonic()
        await self._recorder.record(items)
        await self._tidy(len(items) + _PAGES)
        if len(items) >= self._batch:
            fitting = int(len(items) * _LONGEST_HOLD[self._database.dialect] / max(self._recorder.held, _INSTANT))
            self._batch = max(_LEAST_BATCH, min(fitting, 2 * self._batch, _LARGEST_BATCH))
        return time.monotonic() - started

    async def _tidy(self, pages: int) -> None:
        """Keep SQLite's log short: it is emptied between two batches, not by a commit for which others wait."""
        self._untidy += pages
        if self._untidy >= _TIDY_AFTER:
            self._untidy = 0
            await self._database.tidy()

    async def _connect(self) -> None:
        async with self._opening:
            if self._is_over:
                raise StoreClosed
            await self._database.open()

    async def _recover(self, error: Exception) -> float:
        self._haste.set(is_on=False)
        self._segments.forget()
        self._recorder.forget()
        if not isinstance(error, StoreBusy):
            with suppress(StoreError):
                await self._database.close()
        level = logging.DEBUG if self._failures else logging.WARNING
        _log.log(level, "the ledger's writer will try again; usage waits in the journal: %s", error, exc_info=error)
        self._failures += 1
        return random.uniform(0.5, 1.0) * min(_LONGEST_PAUSE, _LEAST_PAUSE * 2.0 ** min(self._failures, 10))  # noqa: S311
