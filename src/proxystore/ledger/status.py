"""How the ledger is."""

from __future__ import annotations

from datetime import datetime

import msgspec


class LedgerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What this process knows of its host's ledger.

    Attributes:
        is_writable: Whether entries reach the disk.
        is_writer: Whether this process is its host's writer; only the writer knows the following, others show zeros.
        pending: How many entries of all the host's journals are not in the database; where there are many, an estimate
            from their size.
        caught_up_at: When all of it last was; ``None`` if it has not been since this process became the writer.
        recorded: Events written down by this process.
        replayed: Entries found in the database already, and not counted again.
        dead_lettered: Entries set aside since the database cannot hold them; should stay 0.
        lost: Entries of this process that never reached the disk; should stay 0.
    """

    is_writable: bool
    is_writer: bool = False
    pending: int = 0
    caught_up_at: datetime | None = None
    recorded: int = 0
    replayed: int = 0
    dead_lettered: int = 0
    lost: int = 0
