"""Directories for their owner's eyes alone."""

from __future__ import annotations

from pathlib import Path


def make_private_directory(path: Path) -> None:
    """Make *path* and every directory above it that is missing, each with mode 0700; those that are there stay as is.

    `Path.mkdir` gives its mode to the last of them only.

    Raises:
        OSError: It cannot be made.
    """
    for directory in reversed([path, *path.parents]):
        if not directory.is_dir():
            directory.mkdir(0o700, exist_ok=True)
