"""The way in for what must not be lost."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import time
from collections.abc import AsyncIterator, Iterable
from datetime import date
from pathlib import Path
from tempfile import mkdtemp
from typing import Final
from uuid import UUID

import msgspec

from proxystore.changes import Chain
from proxystore.database import Database
from proxystore.errors import StoreClosed, StoreUnavailable
from proxystore.ledger.commits import Commits
from proxystore.ledger.drainer import Drainer
from proxystore.ledger.entries import Begin, UsageEntry
from proxystore.ledger.host import host_id
from proxystore.ledger.identity import store_id
from proxystore.ledger.journal import Journal
from proxystore.ledger.place import tell_if_fleeting
from proxystore.ledger.rebuilding import rebuild
from proxystore.ledger.recorder import Recorder
from proxystore.ledger.recording import checked
from proxystore.ledger.repricing import Repriced, reprice
from proxystore.ledger.retention import cleaned
from proxystore.ledger.segments import Segments
from proxystore.ledger.settling import refreshing_spent, release_dead
from proxystore.ledger.status import LedgerStatus
from proxystore.ledger.trail import Trail
from proxystore.ledger.upkeep import Upkeep
from proxystore.ledger.writer import Writer
from proxystore.settings import PoolSettings, Settings

FOLDER: Final = "journal"
_DRAIN: Final = 5.0
_SHARE: Final = 0.8  # of the grace, for draining; the rest is for a database that does not answer
_DATABASE_DEADLINE: Final = 10.0
_UNHURRIED: Final = 600.0  # for what reads a day's events
_CONNECTIONS: Final = PoolSettings(max_size=1, min_size=0)
_log: Final = logging.getLogger(__name__)


class Ledger:
    """Append now, in microseconds; in the database soon, exactly once.

    What is appended is on the disk when the call returns: it outlives this process. The host's writer takes it into
    the database; while that is away it stays where it is.

    Attributes:
        trail: The same for the audit trail.
    """

    def __init__(self, settings: Settings, chain: Chain | None = None) -> None:
        self.trail = Trail(settings, chain or Chain(), self._database)
        self._settings = settings
        self._journal: Journal | None = None
        self._writer: Writer | None = None
        self._commits: Commits | None = None
        self._temporary: Path | None = None
        self._process = 0
        self._past = LedgerStatus(is_writable=False)

    async def open(self) -> None:
        """Open this process's journal and stand for election as the host's writer; harmless when open already.

        Raises:
            StoreError: The database cannot be asked which one it is, or the journal cannot be written.
        """
        if self._process == os.getpid():
            return
        async with self._database() as database:
            identity = await store_id(database)
        directory = self._directory() / str(identity)
        if self._journal is None:
            self._journal = Journal(directory, identity, fsync=self._settings.fsync)
            self._journal.open()
        self._writer = Writer(directory, identity, lambda: self._drainer(directory, identity))
        self._writer.start()
        if self._is_awaited:
            self._commits = Commits(self._writer.progress, self._settings.durable_deadline)
        self.trail.locate(directory, identity)
        self._process = os.getpid()

    async def close(self) -> None:
        """Close the journal and drain it, for ``shutdown_grace`` seconds; what is left is drained by the next start."""
        until = time.monotonic() + self._settings.shutdown_grace
        is_ours = self._process == os.getpid()
        await asyncio.gather(self._close(until), self.trail.close(until))
        if self._temporary is not None and is_ours:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None

    async def _close(self, until: float) -> None:
        journal, writer, commits = self._journal, self._writer, self._commits
        is_ours, self._process = self._process == os.getpid(), 0
        self._journal = self._writer = self._commits = None
        try:
            if journal is not None:
                await asyncio.shield(asyncio.to_thread(journal.close))
            if writer is not None and is_ours:
                await writer.drain(_SHARE * (until - time.monotonic()))
        finally:  # whoever does not want to wait leaves no writer behind
            self._past = _sum(self._past, journal, commits)
            if writer is not None and is_ours:
                writer.break_off()
        if writer is not None and is_ours:
            await writer.gone(max(0.0, until - time.monotonic()))

    @property
    def process_id(self) -> UUID:
        """The id of this process's journal: what the process holds is settled by it.

        Raises:
            StoreClosed: It has none.
        """
        return self._open_journal().process_id

    @property
    def is_writable(self) -> bool:
        """Whether what is appended now will be on the disk; a full disk is tried again once a second."""
        return self._journal is not None and self._journal.is_writable

    def begin(self, entry: Begin) -> None:
        """Note that a request is handed to the proxy: if this process dies, it counts as failed."""
        try:
            (self._journal or self._open_journal()).begin(entry)
        except Exception:  # noqa: BLE001  a plugin's odd value is no reason to fail a request
            self._lose()

    def append(self, entry: UsageEntry) -> None:
        """Note what became of a request; never waits, never raises."""
        try:
            position = (self._journal or self._open_journal()).end(entry)
        except Exception:  # noqa: BLE001  a plugin's odd value is no reason to fail a request
            self._lose()
            return
        if self._commits is not None:
            self._commits.expect(entry.event_id, position)

    def record(self, entry: UsageEntry) -> None:
        """Note what was used without any HTTP; it is on the disk when this returns.

        What has the id of an event that is known already is not counted again: whoever is not sure may try again.

        Raises:
            InvalidRecord: The id is no UUIDv7 of the last 400 days (`proxystore.uuid7` makes one), or a value does not
                fit.
            StoreUnavailable: The journal cannot be written.
        """
        self.record_many([entry])

    def record_many(self, entries: Iterable[UsageEntry]) -> None:
        """Note several at once; if one of them is refused as invalid, none is noted. See :meth:`record`."""
        fitting = [checked(entry) for entry in entries]
        self._open_journal()
        self._expect_writable()
        for entry in fitting:
            self.append(entry)
        self._expect_writable()  # it may have become full just now: what the disk has not taken is only in memory

    def _expect_writable(self) -> None:
        if not self.is_writable:
            raise StoreUnavailable("The journal cannot be written: is the disk full?")

    async def rebuild(self, since: date | None = None, until: date | None = None) -> AsyncIterator[date]:
        """Make roll-ups anew from events, a day (UTC) at a time, and yield each day done; events may come in meanwhile.

        Args:
            since: The first day; ``None`` is the first whose events are all there.
            until: The day after the last; ``None`` is as far as there are events.

        Raises:
            InvalidRecord: Events of the first day have been deleted.
        """
        async with self._database(_UNHURRIED) as database, refreshing_spent(database):
            async for day in rebuild(database, since, until):
                yield day

    async def reprice(self, since: date, until: date | None = None) -> AsyncIterator[Repriced]:
        """Reckon what was recorded anew, by the prices now known to have held then, and yield what came of each day.

        Roll-ups, and what was spent of open budgets, follow. What has no known price keeps the cost it has.

        Args:
            since: The first day, UTC.
            until: The day after the last; ``None`` is as far as there are events.

        Raises:
            InvalidRecord: Events of the first day have been deleted.
        """
        async with self._database(_UNHURRIED) as database, refreshing_spent(database):
            async for done in reprice(database, since, until, is_bundled=self._settings.bundled_prices):
                yield done

    async def cleanup(self) -> AsyncIterator[tuple[str, int]]:
        """Delete what was kept long enough, a little at a time, and yield after each step a table and how many rows."""
        async with self._database(_UNHURRIED) as database:
            async for step in cleaned(database, events_keep=self._settings.events_keep, cut=self.trail.cut):
                yield step

    async def committed(self, event_id: UUID) -> bool:
        """Wait until what was appended about an event is in the database; at once unless ``durable = database``.

        Returns:
            Whether it is there, or nothing was appended; ``False`` after ``durable_deadline`` seconds.
        """
        return self._commits is None or await self._commits.wait(event_id)

    async def drain(self, deadline: float = _DRAIN) -> bool:
        """Wait until everything appended on this host before the call is in the database.

        Args:
            deadline: How many seconds to wait at most.

        Returns:
            Whether it is there.
        """
        if self._writer is None or self._process != os.getpid():
            return False
        is_drained, is_trail_drained = await asyncio.gather(self._writer.drain(deadline), self.trail.drain(deadline))
        return is_drained and is_trail_drained

    def status(self) -> LedgerStatus:
        """Return how the ledger is, as far as this process knows."""
        known = _sum(self._past, self._journal, self._commits)
        if self._writer is None or self._process != os.getpid():
            return known
        return self._writer.drainer.status(known)

    def warn_of_place(self) -> None:
        """Say in the log where the journal will not outlive a container, and what to do about it."""
        if self._journal is not None and not self._is_awaited and self._temporary is None:
            tell_if_fleeting(self._journal.directory)

    @property
    def _is_awaited(self) -> bool:
        return self._settings.durable == "database"

    def _open_journal(self) -> Journal:
        if self._journal is None:
            raise StoreClosed
        return self._journal

    def _lose(self) -> None:
        if self._journal is not None:
            self._journal.lose()
        else:
            self._past = msgspec.structs.replace(self._past, lost=self._past.lost + 1)
        _log.exception("a usage entry could not be appended to the journal and is lost")

    def _drainer(self, directory: Path, identity: UUID) -> Drainer:
        segments = Segments(directory, identity, host_id())
        upkeep = Upkeep(self._database, events_keep=self._settings.events_keep, cut=self.trail.cut)
        database = self._database()
        return Drainer(
            database,
            segments,
            directory,
            recorder=Recorder(database, segments, directory, is_bundled=self._settings.bundled_prices),
            upkeep=upkeep,
            on_skipped=self.trail.note_skipped,
            on_gone=lambda process_ids: release_dead(database, process_ids),
            is_awaited=self._is_awaited,
        )

    def _database(self, deadline: float = _DATABASE_DEADLINE) -> Database:
        return Database(
            self._settings.url,
            schema=self._settings.database_schema,
            pool=_CONNECTIONS,
            sync="within" if self._is_awaited else "after",
            deadline=deadline,
        )

    def _directory(self) -> Path:
        if not self._settings.url.is_in_memory:
            return self._settings.data_dir / FOLDER
        if self._temporary is None:
            self._temporary = Path(mkdtemp(prefix="proxystore-"))
        return self._temporary


def _sum(past: LedgerStatus, journal: Journal | None, commits: Commits | None) -> LedgerStatus:
    return msgspec.structs.replace(
        past,
        is_writable=journal is not None and journal.is_writable,
        lost=past.lost + (journal.lost if journal is not None else 0),
        sync_failures=past.sync_failures + (journal.sync_failures if journal is not None else 0),
        late_commits=past.late_commits + (commits.late if commits is not None else 0),
    )
