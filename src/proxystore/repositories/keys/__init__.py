"""Every key that was ever issued."""

from __future__ import annotations

from proxystore.repositories.keys.options import KeyOptions
from proxystore.repositories.keys.repository import KeyRepository

__all__ = ["KeyOptions", "KeyRepository"]
