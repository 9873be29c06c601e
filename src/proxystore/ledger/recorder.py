"""Writing items down: the events, their roll-ups and the progress of their segments, together or not at all."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from proxystore.database import Database, Script
from proxystore.errors import Conflict, InvalidRecord, ReferenceViolation
from proxystore.ledger import counters, postgresql, progress, sqlite
from proxystore.ledger.burying import buried, letter_of
from proxystore.ledger.entries import UsageEntry
from proxystore.ledger.estimating import priced
from proxystore.ledger.partitions import Partitions
from proxystore.ledger.rows import Dialect, Row, row
from proxystore.ledger.segments import Segments
from proxystore.ledger.series import Series, dimensions_of
from proxystore.ledger.setting_aside import set_aside
from proxystore.ledger.settling import settled
from proxystore.ledger.tail import Item
from proxystore.records.dead_letters import DeadLetter

POISON: Final = (InvalidRecord, Conflict, ReferenceViolation)
"""What a database raises where the data are at fault: SQLSTATE classes 22 and 23."""
BATCHES: Final[Mapping[Dialect, type[sqlite.Batch | postgresql.Batch]]] = {
    "sqlite": sqlite.Batch,
    "postgresql": postgresql.Batch,
}


class Shaping:
    """Makes rows of entries, and what rows need to be written down: series, partitions."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.forget()

    def forget(self) -> None:
        """Forget what the database is believed to have."""
        self._series = Series()
        self._partitions = Partitions()

    async def rows(self, entries: Sequence[UsageEntry]) -> list[Row]:
        """Return *entries* as rows."""
        dimensions = [dimensions_of(entry) for entry in entries]
        series = await self._series.intern(self._database, dimensions)
        if self._database.dialect == "postgresql":
            await self._partitions.ensure(self._database, (entry.event_id for entry in entries))
        return [row(entry, series[key]) for entry, key in zip(entries, dimensions, strict=True)]


class Recorder:
    """Writes batches down; what is poison is set aside, and does not keep the rest.

    Attributes:
        recorded: Events that were new.
        replayed: Events that were there already.
        dead_lettered: Items that became dead letters.
        damaged_bytes: What was damaged, and is in files of its own.
        held: For how many seconds the last transaction kept others waiting.
    """

    def __init__(self, database: Database, segments: Segments, directory: Path, *, is_bundled: bool = True) -> None:
        self._is_bundled = is_bundled
        self.recorded = 0
        self.replayed = 0
        self.dead_lettered = 0
        self.damaged_bytes = 0
        self.held = 0.0
        self._database = database
        self._segments = segments
        self._directory = directory
        self._shaping = Shaping(database)

    def forget(self) -> None:
        """Forget what the database is believed to have."""
        self._shaping.forget()

    async def record(self, items: Sequence[Item]) -> None:
        """Write *items* down; those of a segment must be in the order they were read.

        Raises:
            StoreError: The database did not take them; nothing has changed, or it is not known.
            Overtaken: Somebody else was quicker.
            OSError: What is damaged could not be set aside.
        """
        try:
            await self._record(items)
        except POISON:
            if len(items) > 1:
                await self.record(items[: len(items) // 2])
                await self.record(items[len(items) // 2 :])
            else:
                await self._record_doubtful(items[0])

    async def _record_doubtful(self, item: Item) -> None:
        self.forget()  # a partition that somebody dropped is refused like a value that does not fit
        try:
            await self._record([item])
        except POISON as error:
            await self._record([item], letter_of(item, str(error)))

    async def _record(self, items: Sequence[Item], refused: DeadLetter | None = None) -> None:
        """Write *items* down; of the one that was refused before, only the letter."""
        damaged = sum(set_aside(self._directory, item) for item in items if item.is_damaged)
        events = _events(items) if refused is None else []
        entries = await priced(self._database, events, is_bundled=self._is_bundled)
        batch = _Batch(
            dialect=self._database.dialect,
            steps=[(name, self._segments.acked(name), end) for name, end in _ends(items).items()],
            entries=entries,
            rows=await self._shaping.rows(entries),
            letters=[refused] if refused is not None else _unreadable(items),
            counts={
                counters.LOST: sum(item.lost for item in items),
                counters.REPLAYED: 0 if refused else sum(item.entry is not None for item in items) - len(entries),
                counters.DAMAGED_BYTES: damaged,
            },
            process_of=self._processes(items),
        )
        written = await self._database.perform(batch.written)
        self.held = written.held
        self._segments.acknowledge((name, until) for name, _, until in batch.steps)
        self.recorded += len(entries) - written.known
        self.replayed += written.replayed
        self.dead_lettered += written.letters
        self.damaged_bytes += damaged

    def _processes(self, items: Sequence[Item]) -> Callable[[UUID], UUID]:
        """Return what tells which process has held something for an event."""
        segments = {entry.event_id: item.segment_id for item in reversed(items) if (entry := item.entry) and entry.hold}
        processes = {segment_id: self._segments.process_id(segment_id) for segment_id in set(segments.values())}
        return lambda event_id: processes[segments[event_id]]


class _Written(NamedTuple):
    """What a batch came to: for how many seconds it kept others waiting, how many events were there, and so on."""

    held: float
    known: int
    replayed: int
    letters: int


class _Batch:
    """What goes into one transaction; made ready before that keeps others waiting."""

    def __init__(
        self,
        *,
        dialect: Dialect,
        steps: Sequence[tuple[UUID, int, int]],
        entries: Sequence[UsageEntry],
        rows: Sequence[Row],
        letters: Sequence[DeadLetter],
        counts: Mapping[str, int],
        process_of: Callable[[UUID], UUID],
    ) -> None:
        self.steps = steps
        self._dialect = dialect
        self._entries = entries
        self._rows = BATCHES[dialect](rows)
        self._letters = letters
        self._counts = counts
        self._process_of = process_of
        self._settle = settled(dialect, entries, process_of)

    def written(self) -> Script[_Written]:
        """Write it down: the progress first, so that who was overtaken does nothing; then events; budgets last."""
        began = time.monotonic()
        yield from progress.moved(self.steps)
        known = set((yield from self._rows.recorded()))
        letters = yield from buried(self._letters)
        replayed = self._counts[counters.REPLAYED] + len(known)
        yield from counters.added({**self._counts, counters.REPLAYED: replayed})
        yield from self._settlement(known)()
        return _Written(time.monotonic() - began, len(known), replayed, letters)

    def _settlement(self, known: Collection[UUID]) -> Callable[[], Script[None]]:
        """Return what settles events that were counted just now: nothing is more in demand than a budget's row."""
        if not known:
            return self._settle
        new = [entry for entry in self._entries if entry.event_id not in known]
        return settled(self._dialect, new, self._process_of)


def _ends(items: Sequence[Item]) -> Mapping[UUID, int]:
    return {item.segment_id: item.end for item in items}


def _events(items: Sequence[Item]) -> list[UsageEntry]:
    """Return each event once, in the order of ids; of two with one id the first counts."""
    events = {item.entry.event_id.int: item.entry for item in reversed(items) if item.entry is not None}
    return [events[number] for number in sorted(events)]


def _unreadable(items: Sequence[Item]) -> list[DeadLetter]:
    return [letter_of(item, "It cannot be read.") for item in items if item.raw is not None and not item.is_damaged]
