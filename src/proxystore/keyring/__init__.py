"""Whose key is this: asked once, remembered until somebody changes it."""

from __future__ import annotations

from proxystore.keyring.keyring import Keyring
from proxystore.keyring.known import KnownKey

__all__ = ["Keyring", "KnownKey"]
