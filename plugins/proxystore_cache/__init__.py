"""Answers already paid for: the response cache."""

from __future__ import annotations

from proxystore_cache.plugin import Cache

__all__ = ["Cache"]
