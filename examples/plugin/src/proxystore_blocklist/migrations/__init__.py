"""The history of our table; ``HEAD`` is its newest revision."""

from __future__ import annotations

from typing import Final

HEAD: Final = "0001"
