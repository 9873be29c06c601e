"""Reading along a response: one document, a stream of events or lines, an array that arrives bit by bit.

How a response is cut into pieces is the same for every API; what the pieces say is a `Listener`'s matter.
"""

from __future__ import annotations

from proxystore.wire.reading.array import ArrayReader
from proxystore.wire.reading.cutting import Long
from proxystore.wire.reading.document import DocumentReader
from proxystore.wire.reading.events import EventReader
from proxystore.wire.reading.lines import LineReader
from proxystore.wire.reading.listener import Hearing, Listener
from proxystore.wire.reading.nothing import FreeReader
from proxystore.wire.reading.tail import last_object

__all__ = [
    "ArrayReader",
    "DocumentReader",
    "EventReader",
    "FreeReader",
    "Hearing",
    "LineReader",
    "Listener",
    "Long",
    "last_object",
]
