"""Where our files are, or will be."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from proxystore.secrecy import AUDIT_KEY, PEPPER
from proxystore.settings import Settings

_SECRETS: Final = (PEPPER.name, AUDIT_KEY.name)
_FOLDERS: Final = ("cache", "journal")
_BESIDE: Final = ("", "-wal", "-shm", ".lock")


def directories(settings: Settings) -> list[Path]:
    """Return the directories that hold something of ours: the data directory, and the SQLite file's."""
    file = settings.url.path
    found = [settings.data_dir] if file is None else [settings.data_dir, file.parent]
    return list(dict.fromkeys(path.absolute() for path in found))


def files(settings: Settings) -> Iterator[Path]:
    """Yield what is there of ours: the SQLite file and what lies beside it, secrets, and the other rooms' folders."""
    path = settings.url.path
    if path is not None:
        yield from (beside for suffix in _BESIDE if (beside := path.with_name(path.name + suffix)).exists())
    yield from (file for name in _SECRETS if (file := settings.data_dir / name).is_file())
    yield from (folder for name in _FOLDERS if (folder := settings.data_dir / name).is_dir())


def is_shared(place: Path, settings: Settings) -> bool:
    """Tell whether the directory *place* holds other things than ours, so that its permissions are not ours to say."""
    ours = {*_SECRETS, *_FOLDERS}
    if settings.url.path is not None:
        ours |= {settings.url.path.name + suffix for suffix in _BESIDE}
    if not os.access(place, os.R_OK):
        return True
    return any(path.name not in ours and not path.name.startswith(".") for path in place.iterdir())
