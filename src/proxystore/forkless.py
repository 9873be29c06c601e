"""No fork in the middle of what must not be cut in two.

Who is forked while another thread is inside SQLite has SQLite's locks, and never the thread to open them: the first
that it does with a database of its own waits for ever. So threads of ours tell when they are inside, and a fork waits
until none is, for a second at most: longer than that is what no request asks.
"""

from __future__ import annotations

import os
from threading import Condition
from typing import Final

_PATIENCE: Final = 1.0


class Forkless:
    """What a thread does ``with`` this is over, or has not begun, when the process is forked."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._changed = Condition()
        self._inside = 0
        self._forks = 0

    def __enter__(self) -> None:
        with self._changed:
            while self._forks:
                self._changed.wait()
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._inside -= 1
            if self._forks:
                self._changed.notify_all()

    def before_fork(self) -> None:
        """Let nobody in any more, and wait for those inside."""
        with self._changed:
            self._forks += 1
            self._changed.wait_for(lambda: not self._inside, _PATIENCE)

    def after_fork(self) -> None:
        """Let them in again."""
        with self._changed:
            self._forks -= 1
            self._changed.notify_all()

    def forget_parent(self) -> None:
        """Begin anew in the child, which has none of the threads."""
        self._begin()


forkless: Final = Forkless()
os.register_at_fork(
    before=forkless.before_fork, after_in_parent=forkless.after_fork, after_in_child=forkless.forget_parent
)
