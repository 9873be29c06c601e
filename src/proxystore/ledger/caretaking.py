"""A thread that looks after a journal, so that no request waits for a disk."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread
from typing import Final

_INTERVAL: Final = 0.05  # seconds: what a power cut can take
_LEAVE: Final = 1.0
_log: Final = logging.getLogger(__name__)


class Caretaker:
    """Calls *care* twenty times a second until it is stopped; never keeps the process alive."""

    def __init__(self, care: Callable[[], None]) -> None:
        self._care = care
        self._is_over = Event()
        self._thread = Thread(target=self._run, name="proxystore-journal", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Return when the last round is over, or a disk that hangs has had its second."""
        self._is_over.set()
        self._thread.join(_LEAVE)

    def _run(self) -> None:
        while not self._is_over.wait(_INTERVAL):
            try:
                self._care()
            except Exception:  # noqa: BLE001  a disk can fail in many ways, and the thread has to outlive them all
                _log.exception("the journal could not be looked after; it will be tried again")
