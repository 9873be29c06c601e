"""What every mutation owes to those who remember, and to those who ask later: the change log, the audit chain."""

from __future__ import annotations

from proxystore.changes.chain import TAMPERED, Chain, entry_now
from proxystore.changes.changes import Aggregate, Change, Changes, Touched, Witness
from proxystore.changes.cutting import cut
from proxystore.changes.following import Follower, boottime
from proxystore.changes.witness import AuditWitness

__all__ = [
    "TAMPERED",
    "Aggregate",
    "AuditWitness",
    "Chain",
    "Change",
    "Changes",
    "Follower",
    "Touched",
    "Witness",
    "boottime",
    "cut",
    "entry_now",
]
