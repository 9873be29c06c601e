"""This process's journal: append-only, one write per entry, so that what was appended outlives ``kill -9``."""

from __future__ import annotations

import logging
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Final, Literal, TypeAlias
from uuid import UUID, uuid4

from proxystore.directories import make_private_directory
from proxystore.errors import StoreUnavailable
from proxystore.ledger.caretaking import Caretaker
from proxystore.ledger.entries import Begin, UsageEntry, encode
from proxystore.ledger.forking import tell_of_forks
from proxystore.ledger.frames import Kind, framed
from proxystore.ledger.host import host_id
from proxystore.ledger.segment import Segment

Fsync: TypeAlias = Literal["off", "interval", "always"]
Position: TypeAlias = tuple[UUID, int]
"""A segment, and where in it an entry ends."""

_LARGEST_SEGMENT: Final = 16 * 1024 * 1024
_MOST_UNWRITTEN: Final = 10_000
_RETRY_AFTER: Final = 1.0  # seconds between attempts to write while the disk refuses
_log: Final = logging.getLogger(__name__)


class Journal:
    """Appends to a segment of its own and moves to a new one when that is full, or after a fork.

    An entry the disk refuses is kept (ten thousand at most) and written before the next; meanwhile the journal is
    not writable. A segment that somebody removes is put back with all that was in it.

    Attributes:
        directory: Where the segments are.
        lost: Entries that never reached the disk.
        sync_failures: How often the disk refused to make entries survive a power cut.
    """

    def __init__(
        self,
        directory: Path,
        store_id: UUID,
        *,
        fsync: Fsync = "interval",
        largest_segment: int = _LARGEST_SEGMENT,
    ) -> None:
        self.directory = directory
        self.lost = 0
        self.sync_failures = 0
        self._store_id = store_id
        self._host_id = host_id()
        self._process_id = uuid4()
        self._fsync = fsync
        self._largest_segment = largest_segment
        self._segment: Segment | None = None
        self._full: deque[Segment] = deque()
        self._begun: dict[int, bytes] = {}  # numbers: a UUID's hash is worked out in Python
        self._unwritten: deque[bytes] = deque()
        self._untold = 0
        self._retry_at = 0.0
        self._lock = Lock()
        self._caretaker: Caretaker | None = None
        self._is_open = False

    def open(self) -> None:
        """Create the first segment.

        Raises:
            StoreUnavailable: The directory cannot be written.
        """
        try:
            make_private_directory(self.directory)
            self._segment = self._new_segment()
        except OSError as error:
            raise StoreUnavailable(f"the journal cannot be written in {self.directory}: {error.strerror}") from error
        self._is_open = True
        self._caretaker = Caretaker(self._care)
        tell_of_forks(self)

    @property
    def process_id(self) -> UUID:
        """A random id of this journal, in the head of each of its segments."""
        return self._process_id

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
            self._begun[entry.event_id.int] = frame
            self._write(frame)

    def end(self, entry: UsageEntry) -> Position | None:
        """Write what became of a request; return where it is, ``None`` if the disk has not taken it yet."""
        frame = framed(Kind.END, encode(entry))
        with self._lock:
            self._begun.pop(entry.event_id.int, None)
            return self._write(frame)

    def note(self, frame: bytes) -> Position | None:
        """Write a *frame* that neither begins nor ends anything; see :meth:`end`."""
        with self._lock:
            return self._write(frame)

    def lose(self) -> None:
        """Count an entry that could not even be encoded."""
        with self._lock:
            self.lost += 1
            self._untold += 1

    def close(self) -> None:
        """Close the segment; requests that have begun and not ended count as failed."""
        if self._caretaker is not None:
            self._caretaker.stop()
        with self._lock:
            if not self._is_open:
                return
            self._is_open = False
            self._retry_at = 0.0
            self._catch_up()
            self._lose(len(self._unwritten))
            self._unwritten.clear()
            self._close_full()
            segment, self._segment = self._segment, None  # a child forked later would close whoever has its number then
            if segment is not None:
                self._finish(segment)

    def _finish(self, segment: Segment) -> None:
        self._tell_losses(segment)
        if segment.is_empty:
            segment.discard()
            return
        if not self._begun:
            segment.append(framed(Kind.CLOSED, b""))
        self._sync(segment)
        segment.close()

    def _write(self, frame: bytes) -> Position | None:
        segment = self._segment
        if segment is None or self._unwritten or not segment.append(frame):
            return self._keep(frame)
        position = segment.segment_id, segment.size
        if self._fsync == "always":
            self._sync(segment)
        if segment.size >= self._largest_segment:
            self._rotate()
        return position

    def _keep(self, frame: bytes) -> Position | None:
        if not self._is_open:
            self._lose(1)
            return None
        if len(self._unwritten) == _MOST_UNWRITTEN:
            self._unwritten.popleft()
            self._lose(1)
        elif not self._unwritten and self._segment is not None:
            _log.error("the journal in %s cannot be written: is the disk full?", self.directory)
        self._unwritten.append(frame)
        if not self._catch_up() or self._segment is None:
            return None
        return self._segment.segment_id, self._segment.size

    def _catch_up(self) -> bool:
        """Write what the disk refused; return whether nothing is left."""
        if self._unwritten and time.monotonic() >= self._retry_at and (segment := self._current()) is not None:
            while self._unwritten and segment.append(self._unwritten[0]):
                self._unwritten.popleft()
            if not self._unwritten:
                self._tell_losses(segment)
                if self._fsync == "always":
                    self._sync(segment)
        if self._unwritten and time.monotonic() >= self._retry_at:
            self._retry_at = time.monotonic() + _RETRY_AFTER
        return not self._unwritten

    def _current(self) -> Segment | None:
        if self._segment is None:
            with suppress(OSError):
                self._segment = self._new_segment()
            if self._segment is not None and self._caretaker is None and self._is_open:  # after a fork
                self._caretaker = Caretaker(self._care)
        elif self._segment.is_torn:
            self._rotate()
        return self._segment

    def _rotate(self) -> None:
        """Carry open begins into a new segment, then close the old one; where either fails, the old one stays."""
        full, fresh = self._segment, None
        with suppress(OSError):
            fresh = self._new_segment()
        if full is None or fresh is None:
            return
        if full.append(framed(Kind.CLOSED, b"")) or full.is_torn:
            self._segment = fresh
            self._full.append(full)
            if self._fsync == "off":
                self._close_full()
        else:
            fresh.discard()

    def _close_full(self) -> None:
        while self._full:
            segment = self._full.popleft()
            self._sync(segment)
            segment.close()

    def _new_segment(self) -> Segment:
        return Segment.create(
            self.directory,
            store_id=self._store_id,
            host_id=self._host_id,
            process_id=self._process_id,
            entries=b"".join(self._begun.values()),
        )

    def _care(self) -> None:
        """Do what no request should wait for; called by a thread of its own."""
        segment = self._segment
        if segment is not None and segment.is_unlinked:
            self._restore()
        if self._unwritten or self._untold:
            with self._lock:
                if self._catch_up() and self._segment is not None:
                    self._tell_losses(self._segment)
        self._close_full()
        if self._fsync == "interval" and (segment := self._segment) is not None:
            self._sync(segment)  # whoever closes it, closes it here or has stopped us before

    def _restore(self) -> None:
        with self._lock:
            if self._segment is None or not self._segment.is_unlinked:
                return
            with suppress(OSError):  # the disk is full: the next round tries again
                self._segment.restore()
                _log.error("somebody removed a segment of the journal in %s; it was put back", self.directory)

    def _sync(self, segment: Segment) -> None:
        if self._fsync == "off":
            return
        try:
            segment.sync()
        except OSError:
            self.sync_failures += 1
            _log.exception("the disk refused to make the journal in %s survive a power cut", self.directory)

    def _lose(self, count: int) -> None:
        if count:
            self.lost += count
            self._untold += count
            _log.error("%d entries could not be written to the journal and are lost", count)

    def _tell_losses(self, segment: Segment) -> None:
        """Write down how many were lost, for all who ask the database."""
        if self._untold and segment.append(framed(Kind.LOST, b"%d" % self._untold)):
            self._untold = 0

    def forget_parent(self) -> None:
        """Leave everything to the process this one was forked from; the next entry begins a segment of our own."""
        self._lock = Lock()  # a thread of the parent may hold the old one
        self._caretaker = None  # threads stay with the parent
        if self._segment is not None:
            self._segment.close()  # else the parent's lock would outlive the parent
            self._segment = None
        while self._full:
            self._full.popleft().close()
        self._process_id = uuid4()
        self._begun.clear()
        self._unwritten.clear()
        self._untold = 0
        self._retry_at = 0.0
