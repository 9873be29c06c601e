"""Dead letters, as they are read back."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a journal that the database could not hold.

    Attributes:
        event_id: The event's; where that could not be read, one made for its place in the journal.
        segment_id: Where in the journal it came from.
        kind: ``event`` for one that the database refused, ``unreadable`` for one that is none.
        entry: What it says, JSON if it is an event.
        reason: Why it is not an event.
        recorded_at: When it was set aside.
    """

    event_id: UUID
    segment_id: UUID
    kind: str
    entry: str
    reason: str
    recorded_at: datetime
