"""A segment: the file one process appends to, locked for as long as that process may append."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from errno import ENOSPC
from pathlib import Path
from typing import Final, Self
from uuid import UUID

import msgspec

from proxystore.errors import StoreUnavailable
from proxystore.ids import uuid7
from proxystore.ledger.frames import Kind, framed

SUFFIX: Final = ".seg"
UNFINISHED: Final = ".new"
_VERSION: Final = 1


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first entry of a segment.

    Attributes:
        version: Of the format.
        store_id: The database these entries are for.
        host_id: Where the process runs; its locks mean nothing elsewhere.
        process_id: A random id of the process's journal; process numbers are used again.
        segment_id: The name under which the database knows how far it has been read; its time is its creation's.
    """

    version: int = _VERSION
    store_id: UUID
    host_id: str
    process_id: UUID
    segment_id: UUID

    @property
    def file_name(self) -> str:
        """What its file is called; one called otherwise is a copy."""
        return f"{self.host_id}-{self.segment_id}{SUFFIX}"


class Segment:
    """The writing end; every method is plain and takes microseconds."""

    def __init__(self, path: Path, file: int) -> None:
        self._path = path
        self._file = file
        self.size = 0
        self._empty_size = 0

    @classmethod
    def create(cls, directory: Path, *, store_id: UUID, host_id: str, process_id: UUID, entries: bytes = b"") -> Self:
        """Create a segment that begins with *entries*; nobody sees it before it is locked.

        Raises:
            OSError: It cannot be written.
            StoreUnavailable: Locks have no effect in *directory*.
        """
        header = Header(store_id=store_id, host_id=host_id, process_id=process_id, segment_id=uuid7())
        path = directory / header.file_name
        unfinished = path.with_suffix(UNFINISHED)
        segment = cls(path, os.open(unfinished, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            _lock(segment._file, unfinished)
            segment._begin(framed(Kind.HEADER, msgspec.json.encode(header)) + entries)
            segment._empty_size = 0 if entries else segment.size
            unfinished.rename(path)
        except BaseException:
            os.close(segment._file)
            unfinished.unlink(missing_ok=True)
            raise
        return segment

    def _begin(self, data: bytes) -> None:
        if not self.append(data):
            raise OSError(ENOSPC, os.strerror(ENOSPC))

    def append(self, frame: bytes) -> bool:
        """Write *frame*; return whether it is there whole. If not, nothing of it is."""
        try:
            written = os.write(self._file, frame)
        except OSError:
            written = 0
        if written == len(frame):
            self.size += written
            return True
        with suppress(OSError):  # what could not be taken away fails its checksum
            os.ftruncate(self._file, self.size)
        return False

    @property
    def is_empty(self) -> bool:
        """Whether nothing was appended to it, nor was it begun with anything."""
        return self.size == self._empty_size

    def sync(self) -> None:
        """Wait until what was appended survives a power cut."""
        os.fsync(self._file)

    def close(self) -> None:
        """Let go of the lock: nothing will be appended any more."""
        os.close(self._file)

    def discard(self) -> None:
        """Close the segment and remove it."""
        self._path.unlink(missing_ok=True)
        self.close()


def _lock(file: int, path: Path) -> None:
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    second = os.open(path, os.O_RDONLY)
    try:
        if is_lockable(second):
            raise StoreUnavailable(f"locks have no effect in {path.parent}: set PROXYSTORE_DATA_DIR to a local disk")
    finally:
        os.close(second)


def is_lockable(file: int) -> bool:
    """Lock *file* if nobody else has; return whether it is ours now."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
