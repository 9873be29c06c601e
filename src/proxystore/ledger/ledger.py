"""The way in for what must not be lost."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from proxystore.database import Database
from proxystore.errors import StoreClosed
from proxystore.ledger.drainer import Drainer
from proxystore.ledger.entries import Begin, UsageEntry
from proxystore.ledger.host import host_id
from proxystore.ledger.identity import store_id
from proxystore.ledger.journal import Journal
from proxystore.ledger.segments import Segments
from proxystore.ledger.status import LedgerStatus
from proxystore.ledger.writer import Writer
from proxystore.settings import PoolSettings, Settings

_GRACE: Final = 5.0
_DATABASE_DEADLINE: Final = 10.0
_CONNECTIONS: Final = PoolSettings(max_size=1, min_size=0)
_log: Final = logging.getLogger(__name__)


class Ledger:
    """Append now, in microseconds; in the database soon, exactly once.

    What is appended is on the disk when the call returns: it outlives this process. The host's writer takes it into
    the database; while that is away it stays where it is.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._journal: Journal | None = None
        self._writer: Writer | None = None
        self._temporary: Path | None = None
        self._process = 0
        self._lost = 0

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
            self._journal = Journal(directory, identity)
            self._journal.open()
        self._writer = Writer(
            directory, lambda: Drainer(self._database(), Segments(directory, identity, host_id()), directory)
        )
        self._writer.start()
        self._process = os.getpid()

    async def close(self) -> None:
        """Close the journal and drain it; what is left after five seconds is drained by the next start."""
        journal, writer = self._journal, self._writer
        is_ours, self._process = self._process == os.getpid(), 0
        self._journal = self._writer = None
        if journal is not None:
            await asyncio.to_thread(journal.close)
            self._lost += journal.lost
        if writer is not None and is_ours:
            await writer.drain(_GRACE)
            await writer.stop()
        if self._temporary is not None and is_ours:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None

    @property
    def is_writable(self) -> bool:
        """Whether what is appended now will be on the disk; a full disk is tried again once a second."""
        return self._journal is not None and self._journal.is_writable

    def begin(self, entry: Begin) -> None:
        """Note that a request is handed to the proxy: if this process dies, it counts as failed."""
        try:
            self._open_journal().begin(entry)
        except Exception:  # noqa: BLE001  a plugin's odd value is no reason to fail a request
            self._lose()

    def append(self, entry: UsageEntry) -> None:
        """Note what became of a request; never waits, never raises."""
        try:
            self._open_journal().end(entry)
        except Exception:  # noqa: BLE001  a plugin's odd value is no reason to fail a request
            self._lose()

    async def drain(self, deadline: float = _GRACE) -> bool:
        """Wait until everything appended on this host before the call is in the database.

        Args:
            deadline: How many seconds to wait at most.

        Returns:
            Whether it is there.
        """
        if self._writer is None or self._process != os.getpid():
            return False
        return await self._writer.drain(deadline)

    def status(self) -> LedgerStatus:
        """Return how the ledger is, as far as this process knows."""
        lost = self._lost + (self._journal.lost if self._journal is not None else 0)
        drainer = self._writer.drainer if self._writer is not None else None
        if drainer is None or self._process != os.getpid():
            return LedgerStatus(is_writable=self.is_writable, lost=lost)
        return drainer.status(is_writable=self.is_writable, lost=lost)

    def _open_journal(self) -> Journal:
        if self._journal is None:
            raise StoreClosed
        return self._journal

    def _lose(self) -> None:
        self._lost += 1
        _log.exception("a usage entry could not be appended to the journal and is lost")

    def _database(self) -> Database:
        return Database(
            self._settings.url,
            schema=self._settings.database_schema,
            pool=_CONNECTIONS,
            is_durable=True,
            deadline=_DATABASE_DEADLINE,
        )

    def _directory(self) -> Path:
        if not self._settings.url.is_in_memory:
            return self._settings.data_dir / "journal"
        if self._temporary is None:
            self._temporary = Path(mkdtemp(prefix="proxystore-"))
        return self._temporary
