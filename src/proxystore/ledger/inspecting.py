"""How a host's ledger is, as any process can see it: from the segments and the database."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec

from proxystore.database import Database
from proxystore.errors import SchemaError, StoreError
from proxystore.ids import milliseconds_of
from proxystore.ledger import counters, progress
from proxystore.ledger.dead_letters import DeadLetters
from proxystore.ledger.entries import identity_in
from proxystore.ledger.frames import Kind
from proxystore.ledger.identity import find_store_id
from proxystore.ledger.ledger import FOLDER
from proxystore.ledger.place import file_system
from proxystore.ledger.segment import AUDIT_FOLDER, SUFFIX
from proxystore.ledger.setting_aside import SUFFIX as BAD
from proxystore.ledger.tail import Tail
from proxystore.settings import Settings

_DEADLINE: Final = 5.0


class HostLedger(msgspec.Struct, frozen=True, kw_only=True):
    """What a host's journal and the database say.

    Attributes:
        directory: Where the journal is.
        file_system: Of what kind; on ``overlay`` or ``tmpfs`` it does not outlive a container.
        is_reachable: Whether the database answered. If not, everything in the journal counts as pending, and what
            only the database knows is ``None``.
        has_writer: Whether a process of this host takes the journal into the database.
        segments: How many files there are; those that are written down stay for a while.
        pending: Entries that are not in the database.
        oldest_seconds: How long ago the oldest of them began.
        in_flight: Requests that have begun and not ended; those of dead processes become failed events.
        elsewhere: Segments for another database, which only that can take.
        bad_files: Damaged pieces, beside the segments.
        damaged_bytes, lost, replayed: Summed up over all hosts.
        dead_letters: How many there are.
        audit_pending: Entries for the audit trail that are not in it yet.
        audit_lost: How many of those never reached a disk, summed up over all hosts.
    """

    directory: str
    file_system: str | None
    is_reachable: bool
    has_writer: bool
    segments: int
    pending: int
    oldest_seconds: float | None
    in_flight: int
    elsewhere: int
    bad_files: int
    damaged_bytes: int | None
    lost: int | None
    replayed: int | None
    dead_letters: int | None
    audit_pending: int
    audit_lost: int | None


class _Database(msgspec.Struct, frozen=True):
    """What the database knows; nothing of it if it is away."""

    store_id: UUID | None = None
    acked: Mapping[UUID, int] = {}
    counts: Mapping[str, int] | None = None
    dead_letters: int | None = None


async def inspect(settings: Settings) -> HostLedger:
    """Look, and change nothing; a database that is away is no error."""
    directory = settings.data_dir / FOLDER
    paths = sorted(directory.glob(f"*/*{SUFFIX}"))
    trails = sorted(directory.glob(f"*/{AUDIT_FOLDER}/*{SUFFIX}"))
    known = await _ask(settings, [*paths, *trails])
    ours = [path for path in paths if known.store_id is None or path.parent.name == str(known.store_id)]
    pending = _Pending()
    for path in ours:
        pending.add(path, known.acked)
    oldest = min(map(milliseconds_of, pending.events), default=None)
    counts = known.counts
    return HostLedger(
        directory=str(directory),
        file_system=file_system(directory),
        is_reachable=counts is not None,
        has_writer=any(_is_locked(lock) for lock in directory.glob("*/writer.lock")),
        segments=len(ours),
        pending=len(pending.events),
        oldest_seconds=None if oldest is None else round(max(0.0, time.time() - oldest / 1000), 1),
        in_flight=len(pending.begun),
        elsewhere=len(paths) - len(ours),
        bad_files=len(list(directory.glob(f"*/*{BAD}"))),
        damaged_bytes=None if counts is None else counts.get(counters.DAMAGED_BYTES, 0),
        lost=None if counts is None else counts.get(counters.LOST, 0),
        replayed=None if counts is None else counts.get(counters.REPLAYED, 0),
        dead_letters=known.dead_letters,
        audit_pending=sum(
            _unwritten(path, known.acked)
            for path in trails
            if known.store_id is None or path.parent.parent.name == str(known.store_id)
        ),
        audit_lost=None if counts is None else counts.get(counters.AUDIT_LOST, 0),
    )


def _unwritten(path: Path, acked: Mapping[UUID, int]) -> int:
    """Return how many entries of a journal for the audit trail are not in it."""
    tail = Tail.open(path)
    if tail is None:
        return 0
    until = acked.get(tail.segment_id, 0)
    count = sum(frame.kind == Kind.AUDIT and frame.end > until for frame in tail.frames())
    tail.close()
    return count


async def _ask(settings: Settings, paths: Collection[Path]) -> _Database:
    if settings.url.path is not None and not settings.url.path.exists():
        return _Database()  # to open it would be to create it
    database = Database(settings.url, schema=settings.database_schema, deadline=_DEADLINE)
    with suppress(StoreError, SchemaError):
        async with database:
            return _Database(
                store_id=await find_store_id(database),
                acked=await progress.find(database, _named(paths)),
                counts=await counters.find(database),
                dead_letters=await DeadLetters(database).count(),
            )
    return _Database()


def _named(paths: Iterable[Path]) -> list[UUID]:
    """Return the ids in the names of segments; what is called otherwise is a copy, or none."""
    named = []
    for path in paths:
        with suppress(ValueError):
            named.append(UUID(path.stem.partition("-")[2]))
    return named


class _Pending:
    """What is in the journal and not in the database, told by reading every segment."""

    def __init__(self) -> None:
        self.events: set[UUID] = set()
        self.begun: set[UUID] = set()

    def add(self, path: Path, acked: Mapping[UUID, int]) -> None:
        """Read one more segment; those of a process in the order they were made."""
        tail = Tail.open(path)
        if tail is None:
            return
        begun, until = set[UUID](), acked.get(tail.segment_id, 0)
        for frame in tail.frames():
            identity = identity_in(frame.payload) if frame.kind in (Kind.BEGIN, Kind.END) else None
            if frame.kind == Kind.CLOSED:
                begun.clear()
            elif identity is not None and frame.kind == Kind.BEGIN:
                begun.add(identity)
            elif identity is not None:
                begun.discard(identity)
                self.begun.discard(identity)
                if frame.end > until:
                    self.events.add(identity)
        if until <= tail.size:  # else its process is dead, and what it had begun has been written down
            self.begun |= begun
        tail.close()


def _is_locked(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False
