"""End users who are blocked are refused, whatever key they come with."""

from __future__ import annotations

from proxystore_blocklist.plugin import Blocklist

__all__ = ["Blocklist"]
