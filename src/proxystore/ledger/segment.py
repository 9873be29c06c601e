"""A segment: the file one process appends to, locked for as long as that process may append."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EIO, ENOSPC
from pathlib import Path
from typing import Final, Self
from uuid import UUID

import msgspec

from proxystore import syscalls
from proxystore.directories import make_private_directory
from proxystore.errors import StoreUnavailable
from proxystore.ids import uuid7
from proxystore.ledger.frames import Kind, framed

SUFFIX: Final = ".seg"
UNFINISHED: Final = ".new"
AUDIT_FOLDER: Final = "audit"
"""Where the journals of the audit trail are, beside those of usage."""
VERSION: Final = 1
_CHUNK: Final = 1024 * 1024


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first entry of a segment.

    Attributes:
        version: Of the format.
        store_id: The database these entries are for.
        host_id: Where the process runs; its locks mean nothing elsewhere.
        process_id: A random id of the process's journal; process numbers are used again.
        segment_id: The name under which the database knows how far it has been read; its time is its creation's.
    """

    version: int = VERSION
    store_id: UUID
    host_id: str
    process_id: UUID
    segment_id: UUID

    @property
    def file_name(self) -> str:
        """What its file is called; one called otherwise is a copy."""
        return f"{self.host_id}-{self.segment_id}{SUFFIX}"

    @classmethod
    def of_name(cls, path: Path) -> Self:
        """Return what the name of a segment says, where its first entry is damaged; the process is anybody's guess.

        Raises:
            ValueError: It has no such name, or lies elsewhere than journals do.
        """
        host_id, _, name = path.stem.partition("-")
        segment_id = UUID(name)
        folder = path.parent if path.parent.name != AUDIT_FOLDER else path.parent.parent
        return cls(store_id=UUID(folder.name), host_id=host_id, process_id=segment_id, segment_id=segment_id)


class Segment:
    """The writing end; every method is plain, and all but `sync` and `restore` take microseconds.

    Attributes:
        segment_id: Its name in the database.
        size: How long it is, in bytes.
        is_torn: Whether half an entry lies at its end and could not be taken away: what follows that would be read
            only after its owner's death.
    """

    def __init__(self, path: Path, file: int, segment_id: UUID) -> None:
        self.segment_id = segment_id
        self.size = 0
        self.is_torn = False
        self._path = path
        self._file = file
        self._empty_size = 0
        self._synced_size = 0

    @classmethod
    def create(cls, directory: Path, *, store_id: UUID, host_id: str, process_id: UUID, entries: bytes = b"") -> Self:
        """Create a segment that begins with *entries*; nobody sees it before it is locked.

        Raises:
            OSError: It cannot be written.
            StoreUnavailable: Locks have no effect in *directory*.
        """
        header = Header(store_id=store_id, host_id=host_id, process_id=process_id, segment_id=uuid7())
        path = directory / header.file_name
        with _created(path) as file:
            segment = cls(path, file, header.segment_id)
            segment._begin(framed(Kind.HEADER, msgspec.json.encode(header)) + entries)
            segment._empty_size = 0 if entries else segment.size
        return segment

    def restore(self) -> None:
        """Put a file with all of ours in its place: somebody removed it, and nobody would read it.

        Raises:
            OSError: That cannot be written; this one still takes entries.
        """
        make_private_directory(self._path.parent)
        with _created(self._path) as file:
            copied = 0
            while chunk := os.pread(self._file, min(_CHUNK, self.size - copied), copied):
                copied += os.write(file, chunk)
            if copied < self.size:
                raise OSError(EIO, os.strerror(EIO))
        os.close(self._file)
        self._file, self._synced_size = file, 0

    def _begin(self, data: bytes) -> None:
        if not self.append(data):
            raise OSError(ENOSPC, os.strerror(ENOSPC))

    def append(self, frame: bytes) -> bool:
        """Write *frame*; return whether it is there whole. If not, nothing of it is."""
        try:
            written = syscalls.write(self._file, frame)
        except OSError:
            written = 0
        if written == len(frame):
            self.size += written
            return True
        try:
            os.ftruncate(self._file, self.size)
        except OSError:  # what could not be taken away fails its checksum
            self.is_torn = True
        return False

    @property
    def is_empty(self) -> bool:
        """Whether nothing was appended to it, nor was it begun with anything."""
        return self.size == self._empty_size

    @property
    def is_unlinked(self) -> bool:
        """Whether its file has lost its name: who opens the directory next will not find it."""
        return os.fstat(self._file).st_nlink == 0

    def sync(self) -> None:
        """Wait until what was appended survives a power cut; harmless where it does.

        Raises:
            OSError: The disk did not take it.
        """
        size = self.size
        if size == self._synced_size:
            return
        _sync(self._file)
        if not self._synced_size:  # its name has to survive as well
            directory = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        self._synced_size = size

    def close(self) -> None:
        """Let go of the lock: nothing will be appended any more."""
        os.close(self._file)

    def discard(self) -> None:
        """Close the segment and remove it."""
        self._path.unlink(missing_ok=True)
        self.close()


@contextmanager
def _created(path: Path) -> Iterator[int]:
    """Give a new file, locked, that is called *path* once it holds what it must."""
    unfinished = path.with_suffix(UNFINISHED)
    file = os.open(unfinished, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        _lock(file, unfinished)
        yield file
        unfinished.rename(path)
    except BaseException:
        os.close(file)
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise


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


_sync: Final = getattr(os, "fdatasync", os.fsync)  # macOS has none
