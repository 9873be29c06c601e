"""Writing audit items down: links of the chain and the progress of their segments, together or not at all."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

from proxystore.changes import Chain
from proxystore.database import Database
from proxystore.errors import Conflict, InvalidRecord, ReferenceViolation
from proxystore.ledger import counters, progress
from proxystore.ledger.burying import buried, letter_of
from proxystore.ledger.segments import Segments
from proxystore.ledger.setting_aside import set_aside
from proxystore.ledger.tail import Item

_POISON: Final = (InvalidRecord, Conflict, ReferenceViolation)


class AuditRecorder:
    """Appends batches to the chain; what is poison is set aside, and does not keep the rest. See `Recorder`."""

    def __init__(self, database: Database, segments: Segments, directory: Path, chain: Chain) -> None:
        self.recorded = 0
        self.replayed = 0
        self.dead_lettered = 0
        self.damaged_bytes = 0
        self.held = 0.0
        self._database = database
        self._segments = segments
        self._directory = directory
        self._chain = chain

    def forget(self) -> None:
        """Forget what the database is believed to have: nothing is."""

    async def record(self, items: Sequence[Item]) -> None:
        """Write *items* down; those of a segment must be in the order they were read. See `Recorder.record`."""
        try:
            await self._record(items)
        except _POISON as error:
            if len(items) == 1:
                await self._record(items, str(error))
                return
            await self.record(items[: len(items) // 2])
            await self.record(items[len(items) // 2 :])

    async def _record(self, items: Sequence[Item], refusal: str | None = None) -> None:
        damaged = sum(set_aside(self._directory, item) for item in items if item.is_damaged)
        steps = [(name, self._segments.acked(name), end) for name, end in _ends(items).items()]
        entries = [item.audit for item in items if item.audit is not None and refusal is None]
        letters = [
            letter_of(item, refusal or "It cannot be read.")
            for item in items
            if not item.is_damaged and (item.raw is not None or item.entry is not None or refusal is not None)
        ]
        async with self._database.transaction() as transaction:
            started = time.monotonic()
            await transaction.perform(progress.moved(steps))
            new_letters = await transaction.perform(buried(letters))
            lost = sum(item.lost for item in items)
            counts = {counters.AUDIT_LOST: lost, counters.DAMAGED_BYTES: damaged}
            await transaction.perform(counters.added(counts))
            new = await self._chain.append(transaction, entries)
        self.held = time.monotonic() - started
        self._segments.acknowledge((name, until) for name, _, until in steps)
        self.recorded += new
        self.replayed += len(entries) - new
        self.dead_lettered += new_letters
        self.damaged_bytes += damaged


def _ends(items: Sequence[Item]) -> Mapping[UUID, int]:
    return {item.segment_id: item.end for item in items}
