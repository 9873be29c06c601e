"""This process's journal: append-only, one write per entry, so that what was appended outlives ``kill -9``."""

from __future__ import annotations

import logging
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Final
from uuid import UUID, uuid4

from proxystore.errors import StoreUnavailable
from proxystore.ledger.entries import Begin, UsageEntry, encode
from proxystore.ledger.forking import tell_of_forks
from proxystore.ledger.frames import Kind, framed
from proxystore.ledger.host import host_id
from proxystore.ledger.segment import Segment

_LARGEST_SEGMENT: Final = 16 * 1024 * 1024
_MOST_UNWRITTEN: Final = 10_000
_RETRY_AFTER: Final = 1.0  # seconds between attempts to write while the disk refuses
_log: Final = logging.getLogger(__name__)


class Journal:
    """Appends to a segment of its own and moves to a new one when that is full, or after a fork.

    An entry the disk refuses is kept (ten thousand at most) and written before the next; meanwhile the journal is
    not writable.
    """

    def __init__(self, directory: Path, store_id: UUID, *, largest_segment: int = _LARGEST_SEGMENT) -> None:
        self.directory = directory
        self.lost = 0
        self._store_id = store_id
        self._host_id = host_id()
        self._process_id = uuid4()
        self._largest_segment = largest_segment
        self._segment: Segment | None = None
        self._begun: dict[UUID, bytes] = {}
        self._unwritten: deque[bytes] = deque()
        self._retry_at = 0.0
        self._lock = Lock()
        self._is_open = False

    def open(self) -> None:
        """Create the first segment.

        Raises:
            StoreUnavailable: The directory cannot be written.
        """
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._segment = self._new_segment()
        except OSError as error:
            raise StoreUnavailable(f"the journal cannot be written in {self.directory}: {error.strerror}") from error
        self._is_open = True
        tell_of_forks(self)

    @property
    def is_writable(self) -> bool:
        """Whether all that was appended is written; tried again once a second while it is not."""
        if not self._unwritten:
            return self._is_open
        with self._lock:
            return self._is_open and self._catch_up()

    def begin(self, entry: Begin) -> None:
        """Write that a request is on its way; remembered until its end."""
        frame = framed(Kind.BEGIN, encode(entry))
        with self._lock:
            self._begun[entry.event_id] = frame
            self._write(frame)

    def end(self, entry: UsageEntry) -> None:
        """Write what became of a request."""
        frame = framed(Kind.END, encode(entry))
        with self._lock:
            self._begun.pop(entry.event_id, None)
            self._write(frame)

    def close(self) -> None:
        """Close the segment; requests that have begun and not ended count as failed."""
        with self._lock:
            if not self._is_open:
                return
            self._is_open = False
            self._retry_at = 0.0
            self._catch_up()
            self._lose(len(self._unwritten))
            self._unwritten.clear()
            if self._segment is not None:
                self._finish(self._segment)

    def _finish(self, segment: Segment) -> None:
        if segment.is_empty:
            segment.discard()
            return
        if not self._begun:
            segment.append(framed(Kind.CLOSED, b""))
        with suppress(OSError):
            segment.sync()
        segment.close()

    def _write(self, frame: bytes) -> None:
        if not self._is_open:
            self._lose(1)
        elif self._unwritten or self._segment is None or not self._segment.append(frame):
            self._keep(frame)
        elif self._segment.size >= self._largest_segment:
            self._rotate()

    def _keep(self, frame: bytes) -> None:
        if len(self._unwritten) == _MOST_UNWRITTEN:
            self._unwritten.popleft()
            self._lose(1)
        elif not self._unwritten and self._segment is not None:
            _log.error("the journal in %s cannot be written: is the disk full?", self.directory)
        self._unwritten.append(frame)
        self._catch_up()

    def _catch_up(self) -> bool:
        """Write what the disk refused; return whether nothing is left."""
        if self._unwritten and time.monotonic() >= self._retry_at and (segment := self._current()) is not None:
            while self._unwritten and segment.append(self._unwritten[0]):
                self._unwritten.popleft()
        if self._unwritten and time.monotonic() >= self._retry_at:
            self._retry_at = time.monotonic() + _RETRY_AFTER
        return not self._unwritten

    def _current(self) -> Segment | None:
        if self._segment is None:
            with suppress(OSError):
                self._segment = self._new_segment()
        return self._segment

    def _rotate(self) -> None:
        """Carry open begins into a new segment, then close the old one; where either fails, the old one stays."""
        full, fresh = self._segment, None
        with suppress(OSError):
            fresh = self._new_segment()
        if full is None or fresh is None:
            return
        if full.append(framed(Kind.CLOSED, b"")):
            full.close()
            self._segment = fresh
        else:
            fresh.discard()

    def _new_segment(self) -> Segment:
        return Segment.create(
            self.directory,
            store_id=self._store_id,
            host_id=self._host_id,
            process_id=self._process_id,
            entries=b"".join(self._begun.values()),
        )

    def _lose(self, count: int) -> None:
        if count:
            self.lost += count
            _log.error("%d usage entries could not be written to the journal and are lost", count)

    def forget_parent(self) -> None:
        """Leave everything to the process this one was forked from; the next entry begins a segment of our own."""
        self._lock = Lock()  # a thread of the parent may hold the old one
        if self._segment is not None:
            self._segment.close()  # else the parent's lock would outlive the parent
            self._segment = None
        self._process_id = uuid4()
        self._begun.clear()
        self._unwritten.clear()
        self._retry_at = 0.0
