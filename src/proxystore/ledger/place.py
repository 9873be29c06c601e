"""Where the journal lies, and whether it outlives the process it is kept for."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

_MOUNTS: Final = Path("/proc/self/mountinfo")
_FLEETING: Final = frozenset({"overlay", "overlayfs", "aufs", "fuse-overlayfs", "tmpfs", "ramfs"})
_log: Final = logging.getLogger(__name__)


def file_system(directory: Path, mounts: Path = _MOUNTS) -> str | None:
    """Return the kind of file system that *directory* is on, such as ``ext4``; ``None`` where nobody knows."""
    if not mounts.is_file():
        return None
    place, depth, kind = directory.resolve(), 0, None
    for line in mounts.read_text(errors="replace").splitlines():
        before, _, after = line.partition(" - ")
        point = Path(before.split()[4].encode().decode("unicode_escape"))
        if place.is_relative_to(point) and len(point.parts) >= depth:
            depth, kind = len(point.parts), after.split()[0]
    return kind


def is_fleeting(kind: str | None) -> bool:
    """Return whether what is on such a file system goes with the container, or with the power."""
    return kind in _FLEETING


def tell_if_fleeting(directory: Path) -> None:
    """Say in the log if *directory* will not outlive its container or a restart, and what to do about it."""
    kind = file_system(directory)
    if is_fleeting(kind):
        _log.warning(
            "the journal in %s is on %s and goes when the container or the machine does, with what is not in the"
            " database yet: set PROXYSTORE_DATA_DIR to a volume, or PROXYSTORE_DURABLE=database",
            directory,
            kind,
        )
