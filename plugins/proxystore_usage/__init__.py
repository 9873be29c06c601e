"""What was used: one event for each exchange, and the commands that show them."""

from __future__ import annotations

from proxystore_usage.plugin import Usage

__all__ = ["Usage"]
