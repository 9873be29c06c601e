"""The durable way in: nothing answered goes unrecorded, nothing is counted twice."""

from __future__ import annotations

from proxystore.ledger.dead_letters import DeadLetters
from proxystore.ledger.entries import Begin, UsageEntry
from proxystore.ledger.inspecting import HostLedger, inspect
from proxystore.ledger.ledger import Ledger
from proxystore.ledger.partitions import make_ahead
from proxystore.ledger.status import LedgerStatus

__all__ = ["Begin", "DeadLetters", "HostLedger", "Ledger", "LedgerStatus", "UsageEntry", "inspect", "make_ahead"]
