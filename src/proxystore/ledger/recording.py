"""What others report without any HTTP: checked at the door, since whoever reports can be told."""

from __future__ import annotations

import time
from typing import Final
from uuid import UUID

from proxystore.errors import InvalidRecord
from proxystore.ids import milliseconds_of
from proxystore.ledger.entries import UsageEntry, cleaned

_DAY_MS: Final = 24 * 60 * 60 * 1000
OLDEST_MS: Final = 400 * _DAY_MS
"""How far back an event may lie."""
NEWEST_MS: Final = _DAY_MS
"""How far ahead, since clocks differ."""


def checked(entry: UsageEntry) -> UsageEntry:
    """Return *entry* if it can be counted, exactly once and as it stands.

    Raises:
        InvalidRecord: Its id is no UUIDv7 or lies too far away, or a value does not fit.
    """
    check_id(entry.event_id)
    fitting = cleaned(entry)
    if fitting is not entry:
        wrong = [name for name in entry.__struct_fields__ if getattr(entry, name) != getattr(fitting, name)]
        if wrong:
            raise InvalidRecord(f"The value of {', '.join(wrong)} does not fit.")
    return fitting


def check_id(event_id: UUID) -> None:
    """Refuse an id that would not make its event count once, in its own hour.

    Raises:
        InvalidRecord: It is no UUIDv7, or its time is not of the last 400 days.
    """
    if not isinstance(event_id, UUID) or event_id.version != 7:
        raise InvalidRecord(f"{event_id} is no UUIDv7: proxystore.uuid7(at) makes one for a time.")
    age = time.time_ns() // 1_000_000 - milliseconds_of(event_id)
    if not -NEWEST_MS <= age <= OLDEST_MS:
        raise InvalidRecord(f"{event_id} is of a time more than 400 days ago, or more than a day ahead.")
