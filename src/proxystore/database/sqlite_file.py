"""Where a SQLite database lies, for its owner's eyes alone."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from proxystore.directories import make_private_directory


def make_private(path: Path) -> None:
    """Make the file at *path* (0600, which its log inherits) and its directory (0700) if they are not there yet.

    Raises:
        OSError: They cannot be made.
    """
    make_private_directory(path.parent)
    with suppress(FileExistsError):  # and leave one that is there alone: to close it is to let go of SQLite's locks
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
