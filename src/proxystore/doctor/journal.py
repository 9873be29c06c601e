"""What of the journals, of usage and of the audit trail, is not in the database yet, and why that may be."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from proxystore.doctor.database import Facts
from proxystore.doctor.finding import Finding, ok, problem, warning
from proxystore.ids import milliseconds_of
from proxystore.ledger.audit_entries import decode_audit
from proxystore.ledger.entries import decode_end
from proxystore.ledger.frames import Kind, scan
from proxystore.ledger.host import host_id
from proxystore.ledger.segment import AUDIT_FOLDER, SUFFIX, Header
from proxystore.ledger.segments import ADOPT_AFTER
from proxystore.ledger.setting_aside import SUFFIX as SET_ASIDE
from proxystore.ledger.tail import Tail
from proxystore.settings import Settings

_CHECK: Final = "journal"
_TRAIL: Final = "audit"
_LATE: Final = 60.0
_START: Final = (
    "start proxystore, or `proxystore {} list`: that takes them up; if it runs, its log says why it does not"
)


class Found(NamedTuple):
    """A segment as it lies there; nobody's lock is touched."""

    path: Path
    header: Header

    @property
    def segment_id(self) -> UUID:
        """Its name in the database."""
        return self.header.segment_id

    @property
    def is_trail(self) -> bool:
        """Whether it holds entries for the audit trail, and no events."""
        return self.path.parent.name == AUDIT_FOLDER

    @property
    def is_elsewhere(self) -> bool:
        """Whether another host, or this one before it was restarted, wrote it a moment ago."""
        return self.header.host_id != host_id() and time.time() - self.path.stat().st_mtime < ADOPT_AFTER

    def pending(self, acked: int) -> list[float]:
        """Return how many seconds ago each event beyond *acked* ended, or was noted for the audit trail."""
        data = self.path.read_bytes()[acked:]
        wanted, at = (Kind.AUDIT, _noted) if self.is_trail else (Kind.END, _ended)
        payloads = [frame.payload for frame in scan(data, acked, is_final=True) if frame.kind == wanted]
        return [time.time() - at(payload) for payload in payloads]


def find(settings: Settings) -> list[Found]:
    """Return every segment in the data directory, of whatever store and host."""
    found: list[Found] = []
    journal = settings.data_dir / "journal"
    for path in sorted([*journal.glob(f"*/*{SUFFIX}"), *journal.glob(f"*/{AUDIT_FOLDER}/*{SUFFIX}")]):
        with suppress(OSError):  # it was taken away meanwhile; or we may not read it, which permissions tell
            tail = Tail.open(path)
            if tail is not None:
                found.append(Found(path, tail.header))
                tail.close()
    return found


def check(settings: Settings, segments: Sequence[Found], facts: Facts | None) -> Iterator[Finding]:
    """Look how far the database has come with *segments*."""
    directory = settings.data_dir / "journal"
    if facts is None:
        yield from _unknown(segments)
        return
    ours = [segment for segment in segments if segment.header.store_id == facts.store_id]
    yield from _backlog([segment for segment in ours if not segment.is_trail], facts)
    yield from _backlog([segment for segment in ours if segment.is_trail], facts, _TRAIL, "audit event")
    yield from _elsewhere(ours)
    yield from _strangers([segment for segment in segments if segment.header.store_id != facts.store_id])
    aside = sorted(directory.glob(f"**/*{SET_ASIDE}"))
    if aside:
        names = ", ".join(map(str, aside))
        yield warning(_CHECK, f"entries that the database could not hold are in {names}", "read them; each tells why")


def _backlog(segments: Sequence[Found], facts: Facts, check: str = _CHECK, thing: str = "event") -> Iterator[Finding]:
    waiting = {found: ages for found in segments if (ages := found.pending(facts.acked.get(found.segment_id, 0)))}
    ages = [age for each in waiting.values() for age in each]
    if not ages:
        yield ok(check, "all of it is in the database")
        return
    are = f"1 {thing} is" if len(ages) == 1 else f"{len(ages):,} {thing}s are"
    told = f"{are} not in the database, the oldest for {_for(max(ages))} (segments: {len(waiting)})"
    mend = _START.format("audit" if check == _TRAIL else "usage")
    yield problem(check, told, mend) if max(ages) > _LATE else ok(check, told)


def _elsewhere(ours: Sequence[Found]) -> Iterator[Finding]:
    hosts = {segment.header.host_id for segment in ours if segment.is_elsewhere}
    if hosts:
        told = f"{len(hosts)} other host{'s' * (len(hosts) > 1)} wrote here within {ADOPT_AFTER / 60:.0f} minutes"
        yield warning(
            _CHECK, f"{told}, or this one before a restart", "give each host a PROXYSTORE_DATA_DIR of its own"
        )


def _strangers(others: Sequence[Found]) -> Iterator[Finding]:
    for directory in sorted({segment.path.parent for segment in others}):
        ages = [age for segment in others if segment.path.parent == directory for age in segment.pending(0)]
        if ages:
            told = f"{directory} holds {len(ages):,} event{'s' * (len(ages) > 1)} for another database"
            yield warning(_CHECK, told, f"start proxystore with that database; or, if it is gone, rm -r {directory}")


def _unknown(segments: Sequence[Found]) -> Iterator[Finding]:
    kilobytes = sum(os.stat(segment.path).st_size for segment in segments) / 1024  # noqa: PTH116
    if segments:
        count = "1 segment" if len(segments) == 1 else f"{len(segments):,} segments"
        told = f"{count} ({kilobytes:,.0f} kB): which of it the database lacks, only the database can tell"
        yield warning(_CHECK, told, "mend the database first; nothing here is lost meanwhile")


def _ended(payload: bytes) -> float:
    try:
        entry = decode_end(payload)
    except ValueError:
        return time.time()
    return (milliseconds_of(entry.event_id) + entry.latency_ms) / 1000


def _noted(payload: bytes) -> float:
    try:
        return decode_audit(payload).occurred_at / 1_000_000
    except ValueError:
        return time.time()


def _for(seconds: float) -> str:
    return f"{seconds:,.0f} s" if seconds < 120 else f"{seconds / 60:,.0f} minutes"
