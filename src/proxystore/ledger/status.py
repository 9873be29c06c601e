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
        dead_lettered: Entries that became dead letters since the database cannot hold them; should stay 0.
        damaged_bytes: What was damaged in journals, and is in files of its own beside them; should stay 0.
        ignored: Segments in the journal that are not ours to read: another store's, another host's, copies.
        lost: Entries of this process that never reached the disk; should stay 0.
        late_commits: Answers that went out before their commit, since ``durable_deadline`` had passed; should stay 0.
        sync_failures: How often the disk refused to make entries survive a power cut; should stay 0.
    """

    is_writable: bool
    is_writer: bool = False
    pending: int = 0
    caught_up_at: datetime | None = None
    recorded: int = 0
    replayed: int = 0
    dead_lettered: int = 0
    damaged_bytes: int = 0
    ignored: int = 0
    lost: int = 0
    late_commits: int = 0
    sync_failures: int = 0
