"""The reading end of a segment: our own, a sibling's or a dead process's, all by one path."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from proxystore.ids import milliseconds_of, restamped
from proxystore.ledger.audit_entries import decode_audit
from proxystore.ledger.entries import Begin, UsageEntry, decode_begin, decode_end, failed
from proxystore.ledger.frames import LONGEST_FRAME, Frame, Kind, scan
from proxystore.ledger.segment import VERSION, Header, is_lockable
from proxystore.records.audit import AuditEntry

_CHUNK: Final = 1024 * 1024
_DAY_MS: Final = 24 * 60 * 60 * 1000
_OLDEST_MS: Final = 400 * _DAY_MS
_NEWEST_MS: Final = _DAY_MS


class Item(NamedTuple):
    """Something read that must be written down before the segment is read up to *end*.

    An event is in ``entry``, what is for the audit trail in ``audit``. ``raw`` has what is none: bytes that are
    damaged, or whole and make no sense. ``lost`` is how many entries the disk never took.
    """

    segment_id: UUID
    end: int
    entry: UsageEntry | None = None
    raw: bytes | None = None
    is_damaged: bool = False
    lost: int = 0
    audit: AuditEntry | None = None


class Tail:
    """Reads one segment from its beginning.

    Attributes:
        path: Where the segment is.
        header: Whose it is.
        acked: How far it has been written down, as the database says. What a dead owner left open is counted
            beyond the end of the file, one for each, so that it too is written down once.
        is_dead: Whether the owner let go of its lock: nothing more will be appended.
    """

    def __init__(self, path: Path, file: int, header: Header) -> None:
        self.path = path
        self.header = header
        self.acked = 0
        self.is_dead = False
        self._file = file
        self._position = 0
        self._known = 0
        self._owed = 0
        self._begun: dict[int, Begin] = {}  # by the numbers of their ids, which are hashed ten times as fast

    @classmethod
    def open(cls, path: Path) -> Tail | None:
        """Open the segment at *path*; ``None`` if it is gone, is none, or is of a release that writes others."""
        try:
            file = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        first = next(scan(os.pread(file, LONGEST_FRAME, 0), 0, is_final=False), None)
        with suppress(ValueError):
            if first is None or first.kind != Kind.HEADER:  # damaged: its name says the same, but for the process
                return cls(path, file, Header.of_name(path))
            header = msgspec.json.decode(first.payload, type=Header)
            if header.version == VERSION:
                return cls(path, file, header)
        os.close(file)
        return None

    @property
    def segment_id(self) -> UUID:
        """The segment's name in the database."""
        return self.header.segment_id

    @property
    def size(self) -> int:
        """How long the segment is now, in bytes."""
        return os.fstat(self._file).st_size

    @property
    def is_unlinked(self) -> bool:
        """Whether its file has lost its name."""
        return os.fstat(self._file).st_nlink == 0

    @property
    def pending_bytes(self) -> int:
        """How much of it has not been written down."""
        return max(0, self.size - max(self.acked, self._position if self._owed <= self.acked else 0))

    @property
    def is_read(self) -> bool:
        """Whether its owner is dead and every entry has been given out."""
        return self.is_dead and self._position >= self.size

    @property
    def owed(self) -> int:
        """What ``acked`` must reach for all that was read so far to be written down."""
        return max(self._owed, self.size + len(self._begun) if self._begun and self.is_read else 0)

    def believe(self, acked: int) -> bool:
        """Take note of how far it is said to have been written down; return whether that can be.

        Of a living owner's it cannot be more than there is, and one for each that may be left open. Where it is, it is
        read from its beginning: what has been written down is known by its id. Of a dead one's the disk may have lost
        what was, with a power cut.
        """
        self.acked = acked
        is_possible = self.is_dead or acked <= 2 * self.size
        self._known = acked if is_possible else 0
        return is_possible

    def look(self) -> None:
        """Find out whether the owner still lives."""
        self.is_dead = self.is_dead or is_lockable(self._file)

    def read(self, most: int) -> list[Item]:
        """Return at most *most* entries beyond ``acked``; remember what has begun and not ended."""
        items: list[Item] = []
        while len(items) < most:
            before = self._position
            for frame in self._frames():
                self._position = frame.end
                if (item := self._readable(frame)) is not None:
                    items.append(item)
                    if len(items) == most:
                        return items
            if self._position == before:
                break
        return items

    def read_orphans(self, most: int) -> list[Item]:
        """Return at most *most* events of requests that a dead owner left open; ask once everything is read."""
        events = [failed(self._begun[identity]) for identity in sorted(self._begun)]
        items = [Item(self.segment_id, self.size + n, self._stamped(event)) for n, event in enumerate(events, 1)]
        return [item for item in items if item.end > self.acked][:most]

    def last_end(self) -> int:
        """Return where the last that is to be written down, of what is there now, ends."""
        return max((frame.end for frame in self.frames() if frame.kind in (Kind.END, Kind.AUDIT)), default=0)

    def frames(self) -> Iterator[Frame]:
        """Yield everything that is there now, for who only looks."""
        return scan(os.pread(self._file, self.size, 0), 0, is_final=True)

    def close(self) -> None:
        """Let go of the file, and of the lock if its owner is dead."""
        os.close(self._file)

    def reopen(self) -> bool:
        """Go on where `close` has left it, in the file that has its name now; return whether there is one."""
        try:
            self._file = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return False
        return True

    def _frames(self) -> Iterator[Frame]:
        # Of a dead owner's segment all the rest is read, for damage to be told from an entry that lies across chunks.
        most = self.size - self._position if self.is_dead else _CHUNK
        return scan(os.pread(self._file, most, self._position), self._position, is_final=self.is_dead)

    def _readable(self, frame: Frame) -> Item | None:
        """Return what *frame* gives to write down, if it does."""
        try:
            item = self._item(frame)
        except ValueError:
            item = Item(self.segment_id, frame.end, raw=frame.payload)
        if item is None:
            return None
        self._owed = frame.end
        return item if frame.end > self._known else None

    def _item(self, frame: Frame) -> Item | None:
        if frame.kind == Kind.END:
            entry = decode_end(frame.payload)
            self._begun.pop(entry.event_id.int, None)
            return Item(self.segment_id, frame.end, self._stamped(entry))
        if frame.kind == Kind.BEGIN:
            begin = decode_begin(frame.payload)
            self._begun[begin.event_id.int] = begin
        elif frame.kind == Kind.AUDIT:
            return Item(self.segment_id, frame.end, audit=decode_audit(frame.payload))
        elif frame.kind == Kind.LOST:
            return Item(self.segment_id, frame.end, lost=int(frame.payload))
        elif frame.kind == Kind.CLOSED:
            self._begun.clear()  # carried into the owner's next segment
        elif frame.kind != Kind.HEADER:
            return Item(self.segment_id, frame.end, raw=frame.payload, is_damaged=frame.kind is None)
        return None

    def _stamped(self, entry: UsageEntry) -> UsageEntry:
        """Move an id from a time that cannot be to the segment's own, lest it asks for a partition of its own."""
        age = time.time_ns() // 1_000_000 - milliseconds_of(entry.event_id)
        if -_NEWEST_MS <= age <= _OLDEST_MS:
            return entry
        created = milliseconds_of(self.segment_id)
        return msgspec.structs.replace(entry, event_id=restamped(entry.event_id, created))
