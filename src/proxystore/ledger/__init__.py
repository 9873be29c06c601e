"""The durable way in: nothing answered goes unrecorded, nothing is counted twice."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from proxystore.ledger.dead_letters import DeadLetters
    from proxystore.ledger.entries import Begin, UsageEntry
    from proxystore.ledger.inspecting import HostLedger, inspect
    from proxystore.ledger.ledger import Ledger
    from proxystore.ledger.partitions import make_ahead
    from proxystore.ledger.status import LedgerStatus

__all__ = ["Begin", "DeadLetters", "HostLedger", "Ledger", "LedgerStatus", "UsageEntry", "inspect", "make_ahead"]

_HOMES: Final = {
    "Begin": "entries",
    "DeadLetters": "dead_letters",
    "HostLedger": "inspecting",
    "Ledger": "ledger",
    "LedgerStatus": "status",
    "UsageEntry": "entries",
    "inspect": "inspecting",
    "make_ahead": "partitions",
}


def __getattr__(name: str) -> Any:
    # What plugins need of it needs no SQLAlchemy, and they are loaded for `proxystore --help`, too.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return found
