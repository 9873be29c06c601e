"""What every mutation owes to those who remember: the change log, written and followed."""

from __future__ import annotations

from proxystore.changes.following import Follower, boottime

__all__ = ["Follower", "boottime"]
