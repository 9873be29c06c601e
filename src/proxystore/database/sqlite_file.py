"""Where a SQLite database lies, for its owner's eyes alone."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from proxystore.directories import make_private_directory

_sync: Final = getattr(os, "fdatasync", os.fsync)  # macOS has none


def make_private(path: Path) -> None:
    """Make the file at *path* (0600, which its log inherits) and its directory (0700) if they are not there yet.

    Raises:
        OSError: They cannot be made.
    """
    make_private_directory(path.parent)
    with suppress(FileExistsError):  # and leave one that is there alone: to close it is to let go of SQLite's locks
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))


def sync(log: Path) -> None:
    """Have the disk keep all that is in *log*. SQLite has no locks on that, so whoever closes it lets go of none.

    Raises:
        OSError: The disk does not.
    """
    file = os.open(log, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _sync(file)
    finally:
        os.close(file)
