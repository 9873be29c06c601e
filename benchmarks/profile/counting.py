"""Counting what is run: the same each time, however busy the machine is."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any


class Counts:
    """What was run while it was counted.

    Attributes:
        opcodes: How many instructions of each function.
        calls: How often each function was entered, a coroutine each time it went on.
        modules: Where each function stands.
    """

    def __init__(self) -> None:
        self.opcodes: Counter[CodeType] = Counter()
        self.calls: Counter[CodeType] = Counter()
        self.modules: dict[CodeType, str] = {}

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Count while the body runs; in this thread only."""
        before = sys.gettrace()
        sys.settrace(self._enter)
        try:
            yield
        finally:
            sys.settrace(before)

    def _enter(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        self.calls[frame.f_code] += 1
        self.modules[frame.f_code] = str(frame.f_globals.get("__name__", ""))
        return self._count

    def _count(self, frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "opcode":
            self.opcodes[frame.f_code] += 1
        return self._count
