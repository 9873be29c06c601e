"""Who is calling, and which models they may use."""

from __future__ import annotations

from proxystore_keys.plugin import Keys

__all__ = ["Keys"]
