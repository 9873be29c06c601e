"""A clock that looks again and again what the event loop's thread is doing.

A profiler that is called at every call would make what calls much seem dear. This one takes a look every fraction of a
millisecond; the shares of the looks are shares of the time.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Final, NamedTuple

_EVERY: Final = 0.0002


class Place(NamedTuple):
    """A function of ours: its module and its name."""

    module: str
    function: str


class Samples:
    """What was seen.

    Attributes:
        looks: How often it was looked.
        own: How often a function was what ran, or had called what ran and is none of ours.
        whole: How often a function was running or waiting for what it had called.
    """

    def __init__(self, packages: tuple[str, ...]) -> None:
        self.looks = 0
        self.own: Counter[Place] = Counter()
        self.whole: Counter[Place] = Counter()
        self._is_looking = False
        self._packages = packages
        self._places: dict[CodeType, Place | None] = {}

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Look while the body runs; in the first thread only."""
        signal.signal(signal.SIGALRM, self._look)
        signal.setitimer(signal.ITIMER_REAL, _EVERY, _EVERY)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, _come_late)

    def _look(self, _signal: int, frame: FrameType | None) -> None:
        if self._is_looking:  # for longer than it is from one look to the next
            return
        self._is_looking = True
        try:
            self._note(frame)
        finally:
            self._is_looking = False

    def _note(self, frame: FrameType | None) -> None:
        self.looks += 1
        seen: set[Place] = set()
        while frame is not None:
            place = self._place(frame)
            if place is not None:
                if not seen:
                    self.own[place] += 1
                seen.add(place)
            frame = frame.f_back
        self.whole.update(seen)

    def _place(self, frame: FrameType) -> Place | None:
        code = frame.f_code
        if code not in self._places:
            module = str(frame.f_globals.get("__name__", ""))
            is_ours = module.partition(".")[0] in self._packages
            self._places[code] = Place(module, code.co_qualname) if is_ours else None
        return self._places[code]


def _come_late(_signal: int, _frame: FrameType | None) -> None:
    """Do nothing: a signal may be on its way still, through another thread, and by default it ends the process."""
