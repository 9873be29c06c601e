"""Where our files are, or will be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from proxystore.settings import Settings

_BESIDE: Final = ("", "-wal", "-shm", ".lock")


def directories(settings: Settings) -> list[Path]:
    """Return the directories that hold something of ours: the data directory, and the SQLite file's."""
    file = settings.url.path
    found = [settings.data_dir] if file is None else [settings.data_dir, file.parent]
    return list(dict.fromkeys(path.absolute() for path in found))


def existing(path: Path) -> Path:
    """Return *path*, or the nearest directory above it that is there already."""
    return next(place for place in (path, *path.parents) if place.exists())


def files(settings: Settings) -> Iterator[Path]:
    """Yield what is there of ours: the SQLite file and what lies beside it, and the journal's directory."""
    path = settings.url.path
    if path is not None:
        yield from (beside for suffix in _BESIDE if (beside := path.with_name(path.name + suffix)).exists())
    if (journal := settings.data_dir / "journal").is_dir():
        yield journal
