"""The segments of this host that have something left to tell."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import UUID

from proxystore.ledger.forking import tell_of_forks
from proxystore.ledger.keeping import KEEP, Keeping, is_old
from proxystore.ledger.segment import SUFFIX, UNFINISHED, is_lockable
from proxystore.ledger.tail import Item, Tail

ADOPT_AFTER: Final = 300.0
"""Seconds without a change after which another host's segment, or one from before a restart, is taken over."""
_LOOK_AGAIN: Final = 5.0  # seconds until a file that is no segment of ours is looked at again
_SETTLED: Final = 1_000_000_000  # nanoseconds: clocks of file systems tick some milliseconds apart, or a second
_MOST_OPEN: Final = 256  # an outage of a week leaves more files than a process may open


class Segments:
    """Every readable segment in a directory, found by :meth:`refresh`.

    Attributes:
        ignored: How many segments are not ours to read: another store's or another host's, copies, and what does not
            begin as a segment.
    """

    def __init__(
        self, directory: Path, store_id: UUID, host_id: str, *, keep: float = KEEP, most_open: int = _MOST_OPEN
    ) -> None:
        self.ignored = 0
        self._directory = directory
        self._store_id = store_id
        self._host_id = host_id
        self._keeping = Keeping(keep)
        self._most_open = most_open
        self._tails: dict[UUID, Tail] = {}
        self._paths: set[Path] = set()
        self._resting: dict[Path, Tail] = {}
        self._refused: dict[Path, float] = {}
        self._waiting: dict[Path, UUID | None] = {}
        self._turn = 0
        self._found: set[Path] = set()
        self._looked_at: int | None = None
        tell_of_forks(self)

    @property
    def tails(self) -> Collection[Tail]:
        """The segments that are open for reading."""
        return self._tails.values()

    @property
    def pending_bytes(self) -> int:
        """How much of what is open is not written down."""
        return sum(tail.pending_bytes for tail in self._tails.values())

    def refresh(self) -> list[Tail]:
        """Open segments that are new here, as many as may be open, and return them: tell them ``acked``.

        Where more than may be open belong to processes that live, these take turns.
        """
        found = self._look()
        for tail in list(self._tails.values()):
            tail.look()
            if tail.is_dead and tail.is_unlinked and tail.path in found:
                self._drop(tail)  # somebody removed it, and its owner put it back
        self._refused = {path: at for path, at in self._refused.items() if path in found and at > time.monotonic()}
        self._resting = {path: tail for path, tail in self._resting.items() if path in found}
        unopened = found - self._paths - self._refused.keys() - self._keeping.paths
        waiting = [path for path in self._waiting if path in unopened]  # those first that have waited for longest
        waiting += sorted(unopened.difference(waiting))
        rested = self._make_room(len(waiting))
        room = max(0, self._most_open - len(self._tails))
        new = [opened for path in waiting[:room] if not self._wake(path) and (opened := self._open(path)) is not None]
        self._waiting = {path: self._process_of(path) for path in (*waiting[room:], *rested)}
        self.ignored = sum(path.suffix == SUFFIX for path in self._refused)
        return new

    def read(self, most: int) -> list[Item]:
        """Return at most *most* items: entries first, then what the dead left open where every entry was read."""
        order = self._in_turn()
        items: list[Item] = []
        for tail in order:
            items += tail.read(most - len(items))
        for tail in order:
            if tail.is_read and not self._has_unread(tail.header.process_id):
                items += tail.read_orphans(most - len(items))
        return items

    def acknowledge(self, progress: Iterable[tuple[UUID, int]]) -> list[UUID]:
        """Take note of how far segments have been written down; return those of which that cannot be."""
        return [segment_id for segment_id, acked in progress if not self._tails[segment_id].believe(acked)]

    def acked(self, segment_id: UUID) -> int:
        """Return how far a segment has been written down."""
        return self._tails[segment_id].acked

    def process_id(self, segment_id: UUID) -> UUID:
        """Return the process that a segment is of."""
        return self._tails[segment_id].header.process_id

    def sweep(self) -> set[UUID]:
        """Close segments that have told everything; remove them after a while.

        Returns:
            The processes they were of.
        """
        swept = set()
        for tail in [tail for tail in self._tails.values() if tail.is_read and tail.acked >= tail.owed]:
            self._keeping.add(tail.path, tail.size)
            self._drop(tail)
            swept.add(tail.header.process_id)
        self._keeping.sweep()
        return swept

    def has(self, process_id: UUID) -> bool:
        """Return whether there may be something left to read of a process."""
        is_open = any(tail.header.process_id == process_id for tail in self._tails.values())
        return is_open or process_id in self._waiting.values()

    def forget(self) -> None:
        """Close everything: the next refresh begins anew, from what the database says."""
        for tail in list(self._tails.values()):
            self._drop(tail)
        self._looked_at = None
        self._resting.clear()
        self._refused.clear()
        self._waiting.clear()
        self._keeping.forget()

    def forget_parent(self) -> None:
        """Let go of the files, and of the locks on the dead's, in a forked child."""
        self.forget()

    def _look(self) -> set[Path]:
        """Return what is there; of a directory that is as it was, what was there: thousands may be kept in it."""
        changed_at = self._directory.stat().st_mtime_ns
        if changed_at != self._looked_at:
            self._found = {Path(entry.path) for entry in os.scandir(self._directory) if _is_segment(entry.name)}
            is_settled = time.time_ns() - changed_at > _SETTLED  # else it may change again, and not look as if it had
            self._looked_at = changed_at if is_settled else None
        return self._found

    def _make_room(self, wanted: int) -> list[Path]:
        """Let some whose owners live rest, and return which: those that have been open for longest, but never all."""
        crowd = wanted - (self._most_open - len(self._tails))
        if crowd <= 0:
            return []
        live = [tail for tail in self._tails.values() if not tail.is_dead and tail.owed <= tail.acked]
        resting = live[: min(crowd, len(live) // 2)]
        for tail in resting:
            self._drop(tail)
            self._resting[tail.path] = tail
        return [tail.path for tail in resting]

    def _wake(self, path: Path) -> bool:
        """Go on with one that has rested, where it was left; return whether there is one."""
        tail = self._resting.pop(path, None)
        if tail is None or not tail.reopen():
            return False
        self._take(tail)
        return True

    def _open(self, path: Path) -> Tail | None:
        tail = Tail.open(path) if path.suffix == SUFFIX else None
        if tail is not None and self._is_ours(tail):
            self._take(tail)
            return tail
        if tail is not None:
            tail.close()
        if path.suffix == UNFINISHED:
            self._sweep_unfinished(path)
        self._refused[path] = time.monotonic() + _LOOK_AGAIN
        return None

    def _is_ours(self, tail: Tail) -> bool:
        if tail.header.store_id != self._store_id or tail.segment_id in self._tails or self._is_copy(tail):
            return False
        return tail.header.host_id == self._host_id or self._is_orphaned(tail)

    def _is_orphaned(self, tail: Tail) -> bool:
        """Whether another host's segment has been left to us: nobody has changed it for long, nobody has it locked."""
        if not is_old(tail.path, ADOPT_AFTER):
            return False
        tail.look()
        return tail.is_dead

    def _is_copy(self, tail: Tail) -> bool:
        name = tail.header.file_name
        return tail.path.name != name and (self._directory / name).exists()

    def _process_of(self, path: Path) -> UUID | None:
        rested = self._resting.get(path)
        return rested.header.process_id if rested is not None else self._waiting.get(path) or _process_of(path)

    def _has_unread(self, process_id: UUID) -> bool:
        is_unread = any(tail.header.process_id == process_id and not tail.is_read for tail in self._tails.values())
        return is_unread or process_id in self._waiting.values()

    def _in_turn(self) -> list[Tail]:
        tails = list(self._tails.values())
        self._turn = (self._turn + 1) % max(1, len(tails))
        return tails[self._turn :] + tails[: self._turn]

    def _take(self, tail: Tail) -> None:
        self._tails[tail.segment_id] = tail
        self._paths.add(tail.path)
        tail.look()

    def _drop(self, tail: Tail) -> None:
        del self._tails[tail.segment_id]
        self._paths.discard(tail.path)
        tail.close()  # last: a child that is forked now closes no number that is another file's by then

    def _sweep_unfinished(self, path: Path) -> None:
        """Remove what a process left that died before its segment was locked and named."""
        if not is_old(path, KEEP):
            return
        with suppress(FileNotFoundError), path.open("rb") as file:
            if is_lockable(file.fileno()):
                path.unlink()


def _process_of(path: Path) -> UUID | None:
    """Return the process that a segment is of, if that can be read."""
    tail = Tail.open(path)
    if tail is None:
        return None
    tail.close()
    return tail.header.process_id


def _is_segment(name: str) -> bool:
    return name.endswith((SUFFIX, UNFINISHED))
