"""Does the database have our time? Limits, ids and the windows of summaries need one time for all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from proxystore.doctor.database import Facts
from proxystore.doctor.finding import Finding, ok, problem

_TOLERATED: Final = 2.0
_MEND: Final = "set both clocks by NTP: timedatectl set-ntp true"


def check(facts: Facts) -> Iterator[Finding]:
    """Compare the clocks."""
    if facts.clocks is None:
        yield ok("clock", "the database has this machine's")
        return
    seconds = apart(*facts.clocks).total_seconds()
    if abs(seconds) > _TOLERATED:
        side = "ahead of" if seconds > 0 else "behind"
        yield problem("clock", f"the database is {abs(seconds):,.1f} s {side} this machine", _MEND)
    else:
        yield ok("clock", f"the database has our time, give or take {_TOLERATED:g} s")


def apart(before: datetime, theirs: datetime, after: datetime) -> timedelta:
    """Return how far *theirs* is ahead of what our clock can have shown when it was read."""
    return max(theirs - after, timedelta()) + min(theirs - before, timedelta())
