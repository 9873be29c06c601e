"""What is remembered for a while, so that nobody is asked twice; knows no database.

The one door to diskcache, which is loaded when the first space is opened.
"""

from __future__ import annotations

from proxystore.cache.entry import Entry
from proxystore.cache.flights import Flight
from proxystore.cache.memory import MemoryCache
from proxystore.cache.space import Space
from proxystore.cache.spaces import Spaces
from proxystore.cache.table import Table

__all__ = ["Entry", "Flight", "MemoryCache", "Space", "Spaces", "Table"]
