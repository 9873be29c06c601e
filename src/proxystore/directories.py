"""Directories for their owner's eyes alone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from shlex import join


def make_private_directory(path: Path) -> None:
    """Make *path* and every directory above it that is missing, each with mode 0700; those that are there stay as is.

    `Path.mkdir` gives its mode to the last of them only.

    Raises:
        OSError: It cannot be made.
    """
    for directory in reversed([path, *path.parents]):
        if not directory.is_dir():
            directory.mkdir(0o700, exist_ok=True)


def existing(path: Path) -> Path:
    """Return *path*, or the nearest directory above it that is there already."""
    return next(place for place in (path, *path.parents) if place.exists())


def may_write(path: Path) -> bool:
    """Whether this process may write in the directory *path*, or read and write the file."""
    wanted = os.W_OK | (os.X_OK if path.is_dir() else os.R_OK)
    return os.access(path, wanted, effective_ids=True)


def taking(paths: Sequence[Path]) -> str:
    """Return the command by which *paths* may be written by who runs this."""
    if any(os.statvfs(path).f_flag & os.ST_RDONLY for path in paths):
        return (
            "mount it so that it can be written, or say with PROXYSTORE_DATA_DIR and PROXYSTORE_DATABASE_URL where else"
        )
    if all(path.stat().st_uid == os.geteuid() for path in paths):
        return f"chmod u+rwX {join(map(str, paths))}"
    return f"sudo chown -R {os.geteuid()}:{os.getegid()} {join(map(str, paths))}"
