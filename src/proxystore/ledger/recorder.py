"""Writing items down: the events, their roll-ups and the progress of their segments, together or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

from proxystore.database import Database
from proxystore.errors import Conflict, InvalidRecord, ReferenceViolation
from proxystore.ledger import postgresql, progress, sqlite
from proxystore.ledger.entries import UsageEntry
from proxystore.ledger.partitions import Partitions
from proxystore.ledger.rows import Row, row
from proxystore.ledger.segments import Segments
from proxystore.ledger.series import Series, dimensions_of
from proxystore.ledger.setting_aside import set_aside
from proxystore.ledger.tail import Item

_POISON: Final = (InvalidRecord, Conflict, ReferenceViolation)  # the data are at fault: SQLSTATE classes 22 and 23
_RECORD: Final = {"sqlite": sqlite.record, "postgresql": postgresql.record}


class Recorder:
    """Writes batches down; what is poison is set aside, and does not keep the rest.

    Attributes:
        recorded: Events that were new.
        replayed: Events that were there already.
        dead_lettered: Items that were set aside.
    """

    def __init__(self, database: Database, segments: Segments, directory: Path) -> None:
        self.recorded = 0
        self.replayed = 0
        self.dead_lettered = 0
        self._database = database
        self._segments = segments
        self._directory = directory
        self._aside: set[tuple[UUID, int]] = set()
        self.forget()

    def forget(self) -> None:
        """Forget what the database is believed to have: series, partitions."""
        self._series = Series()
        self._partitions = Partitions()

    async def record(self, items: Sequence[Item]) -> None:
        """Write *items* down; those of a segment must be in the order they were read.

        Raises:
            StoreError: The database did not take them; nothing has changed, or it is not known.
            Overtaken: Somebody else was quicker.
            OSError: What is poison could not be set aside.
        """
        try:
            await self._record(items)
        except _POISON:
            if len(items) > 1:
                await self.record(items[: len(items) // 2])
                await self.record(items[len(items) // 2 :])
            else:
                await self._record_doubtful(items[0])

    async def _record_doubtful(self, item: Item) -> None:
        self.forget()  # a partition that somebody dropped is refused like a value that does not fit
        try:
            await self._record([item])
        except _POISON as error:
            self._set_aside(item, str(error))
            await self._record([item._replace(entry=None, raw=None)])

    async def _record(self, items: Sequence[Item]) -> None:
        for item in items:
            if item.raw is not None:
                self._set_aside(item, "It cannot be read.")
        steps = [(name, self._segments.acked(name), end) for name, end in _ends(items).items()]
        entries = _events(items)
        rows = await self._rows(entries)
        async with self._database.transaction() as transaction:
            await progress.move(transaction, steps)
            new = await _RECORD[self._database.dialect](transaction, rows) if rows else 0
        self._segments.acknowledge((name, until) for name, _, until in steps)
        self.recorded += new
        self.replayed += sum(item.entry is not None for item in items) - new

    async def _rows(self, entries: Sequence[UsageEntry]) -> list[Row]:
        dimensions = [dimensions_of(entry) for entry in entries]
        series = await self._series.intern(self._database, dimensions)
        if self._database.dialect == "postgresql":
            await self._partitions.ensure(self._database, (entry.event_id for entry in entries))
        return [row(entry, series[key]) for entry, key in zip(entries, dimensions, strict=True)]

    def _set_aside(self, item: Item, reason: str) -> None:
        if (item.segment_id, item.end) not in self._aside:  # else the batch failed and was read again
            set_aside(self._directory, item, reason)
            self._aside.add((item.segment_id, item.end))
            self.dead_lettered += 1


def _ends(items: Sequence[Item]) -> Mapping[UUID, int]:
    return {item.segment_id: item.end for item in items}


def _events(items: Sequence[Item]) -> list[UsageEntry]:
    """Return each event once, in the order of ids; of two with one id the first counts."""
    events = {item.entry.event_id: item.entry for item in reversed(items) if item.entry is not None}
    return sorted(events.values(), key=lambda event: event.event_id.int)
