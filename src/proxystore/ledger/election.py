"""One writer for each host: whoever holds a lock that the kernel frees when its holder dies."""

from __future__ import annotations

import os
from pathlib import Path

from proxystore.ledger.forking import tell_of_forks
from proxystore.ledger.segment import is_lockable


class Election:
    """A candidate; never waits.

    Not a `HostLock`, since that could not be let go of in a forked child without being released in its parent too.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self.is_won = False
        tell_of_forks(self)

    def run(self) -> bool:
        """Win if nobody has; return whether it is won."""
        if self._file is not None and os.fstat(self._file).st_nlink == 0:
            self.resign()  # somebody removed the file: others will lock another
        if not self.is_won:
            if self._file is None:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self.is_won = is_lockable(self._file)
        return self.is_won

    def resign(self) -> None:
        """Let another win."""
        self.is_won = False
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def forget_parent(self) -> None:
        """Let go of the parent's lock, which stays the parent's."""
        self.resign()
