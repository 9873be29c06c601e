"""What is kept of end users, who never agreed to be in our database."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from typing import Final, Literal

_SIZE: Final = 9  # bytes: twelve characters, enough to tell thousands of millions apart


class EndUsers:
    """Turns names into what is kept of them.

    Attributes:
        key: The secret that hashes are made with; without one, nothing is kept.
    """

    def __init__(self, mode: Literal["off", "hash", "plain"]) -> None:
        self._mode = mode
        self.key: bytes | None = None

    def kept(self, name: str) -> str | None:
        """Return what is kept of *name*."""
        if self._mode == "plain":
            return name
        if self._mode == "off" or self.key is None:
            return None
        digest = hmac.digest(self.key, name.encode("utf-8", "surrogatepass"), "sha256")
        return urlsafe_b64encode(digest[:_SIZE]).decode()
