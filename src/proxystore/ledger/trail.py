"""The audit trail's way in: a journal of its own, taken into the chain by the host's writer of it.

It is kept apart from usage, so that neither waits for the other: not for its locks, not for what the other's database
refuses.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final
from uuid import UUID

from proxystore.changes import TAMPERED, Chain, cut, entry_now
from proxystore.database import Database
from proxystore.errors import StoreClosed
from proxystore.ledger.audit_entries import audit_frame
from proxystore.ledger.audit_recorder import AuditRecorder
from proxystore.ledger.commits import Commits
from proxystore.ledger.drainer import Drainer
from proxystore.ledger.forking import tell_of_forks
from proxystore.ledger.host import host_id
from proxystore.ledger.journal import Journal, Position
from proxystore.ledger.segment import AUDIT_FOLDER, SUFFIX
from proxystore.ledger.segments import Segments
from proxystore.ledger.status import LedgerStatus
from proxystore.ledger.writer import Writer
from proxystore.records.audit import AuditEntry
from proxystore.settings import Settings

_SHARE: Final = 0.8  # of the grace, for draining; the rest is for a database that does not answer
_log: Final = logging.getLogger(__name__)


class Trail:
    """Note now, in microseconds; in the audit chain soon, exactly once.

    Opened when it is first needed: a store that audits no requests has no journal for them.

    Args:
        settings: Of the store.
        chain: What entries are appended to.
        database: Makes a database for the writer to work on.
    """

    def __init__(self, settings: Settings, chain: Chain, database: Callable[[], Database]) -> None:
        self._settings = settings
        self._chain = chain
        self._new_database = database
        self._place: tuple[Path, UUID] | None = None
        self._journal: Journal | None = None
        self._writer: Writer | None = None
        self._commits: Commits | None = None
        self._is_open = False
        tell_of_forks(self)

    def locate(self, directory: Path, store_id: UUID) -> None:
        """Say where journals are; what a dead process left there is taken up at once."""
        self._place = directory / AUDIT_FOLDER, store_id
        if any(self._place[0].glob(f"*{SUFFIX}")):
            self.open()

    def open(self) -> None:
        """Open this process's journal, and stand for election as the host's writer; harmless when open already.

        Raises:
            StoreClosed: The store is not open.
            StoreUnavailable: The journal cannot be written.
        """
        if self._is_open:
            return
        if self._place is None:
            raise StoreClosed
        directory, identity = self._place
        if self._journal is None:
            self._journal = Journal(directory, identity, fsync=self._settings.fsync)
            self._journal.open()
        self._writer = Writer(directory, identity, lambda: self._drainer(directory, identity))
        self._writer.start()
        self._commits = None
        self._is_open = True

    def note(self, entry: AuditEntry) -> Position | None:
        """Note something for the audit trail: it is on the disk when this returns. Never waits, never raises.

        Returns:
            Where it is in the journal; ``None`` if the disk has not taken it yet.
        """
        try:
            if self._journal is None or not self._is_open:
                self.open()
            return self._journal.note(audit_frame(entry)) if self._journal is not None else None
        except Exception:  # noqa: BLE001  a plugin's odd value is no reason to fail a request
            if self._journal is not None:
                self._journal.lose()
            _log.exception("an audit entry could not be appended to the journal and is lost")
            return None

    def note_skipped(self, segment_id: UUID) -> None:
        """Note that somebody has said in the database, of more of a segment than there is, that it was written down."""
        said = {"segment": str(segment_id)}
        self.note(entry_now(TAMPERED, outcome="error", reason="journal_skipped", metadata=said))

    async def commit(self, entry: AuditEntry, *, deadline: float) -> bool:
        """Note something, and wait until it is in the chain.

        Returns:
            Whether it is; ``False`` after *deadline* seconds, or where the disk has not taken it: it may come to be.
        """
        position = self.note(entry)
        if position is None or self._writer is None:
            return False
        if self._commits is None:
            self._commits = Commits(self._writer.progress, deadline)
        self._commits.expect(entry.event_id, position)
        return await self._commits.wait(entry.event_id)

    async def drain(self, deadline: float) -> bool:
        """Wait until everything noted on this host before the call is in the chain; see `Ledger.drain`."""
        if self._writer is None:
            return self._place is not None  # nobody has noted anything
        return await self._writer.drain(deadline)

    def cut(self, database: Database) -> AsyncIterator[int]:
        """Cut the chain where events are older than they are to be kept; see `proxystore.changes.cut`."""
        return cut(database, self._chain, keep=self._settings.audit_keep)

    async def close(self, until: float) -> None:
        """Close the journal and drain it, until a time of the monotonic clock."""
        journal, writer = self._journal, self._writer
        self._journal = self._writer = self._commits = self._place = None
        self._is_open = False
        try:
            if journal is not None:
                await asyncio.shield(asyncio.to_thread(journal.close))
            if writer is not None:
                await writer.drain(_SHARE * (until - time.monotonic()))
        finally:
            if writer is not None:
                writer.break_off()
        if writer is not None:
            await writer.gone(max(0.0, until - time.monotonic()))

    def status(self) -> LedgerStatus:
        """Return how it is, as far as this process knows; ``recorded`` are events that were new to the chain."""
        journal = self._journal
        known = LedgerStatus(
            is_writable=journal is None or journal.is_writable,
            lost=journal.lost if journal is not None else 0,
            sync_failures=journal.sync_failures if journal is not None else 0,
            late_commits=self._commits.late if self._commits is not None else 0,
        )
        if self._writer is None:
            return known
        return self._writer.drainer.status(known)

    def forget_parent(self) -> None:
        """Leave the writer to the process this one was forked from; the journal goes on by itself."""
        self._writer = self._commits = None
        self._is_open = False

    def _drainer(self, directory: Path, identity: UUID) -> Drainer:
        database = self._new_database()
        segments = Segments(directory, identity, host_id())
        recorder = AuditRecorder(database, segments, directory, self._chain)
        return Drainer(database, segments, directory, recorder=recorder, on_skipped=self.note_skipped)
