"""The durable way in: nothing answered goes unrecorded, nothing is counted twice."""

from __future__ import annotations

from proxystore.ledger.entries import Begin, UsageEntry
from proxystore.ledger.ledger import Ledger
from proxystore.ledger.status import LedgerStatus

__all__ = ["Begin", "Ledger", "LedgerStatus", "UsageEntry"]
