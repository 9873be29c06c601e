"""Are our files ours, ours alone, and may we write them?"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from shlex import join
from typing import Final

from proxystore.directories import existing, may_write, taking
from proxystore.doctor.finding import Finding, ok, problem, warning
from proxystore.doctor.places import directories, files, is_shared
from proxystore.settings import Settings

_CHECK: Final = "permissions"
_SQLITE: Final = b"SQLite format 3\0"
_MOVE: Final = "move them to a directory of their own: PROXYSTORE_DATABASE_URL, PROXYSTORE_DATA_DIR"
_WRITTEN_BY_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH
_BY_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def check(settings: Settings) -> Iterator[Finding]:
    """Look at the data directory and at what is in it."""
    there = [*(place for place in directories(settings) if place.exists()), *files(settings)]
    found = [finding for check in (_writable(settings), _owned(there), _private(settings, there)) for finding in check]
    yield from found
    if not found:
        told = f"nobody else may read what is ours in {settings.data_dir}"
        yield ok(_CHECK, told if there else f"{settings.data_dir} can be made")


def _writable(settings: Settings) -> Iterator[Finding]:
    for wanted in directories(settings):
        place = existing(wanted)
        if not place.is_dir():
            yield problem(_CHECK, f"{place} is not a directory", f"mv {join([str(place)])} somewhere else")
        elif not may_write(place):
            yield problem(_CHECK, f"{_us()} may not write in {place}", taking([place]))
    for file in files(settings):
        if not may_write(file):
            yield problem(_CHECK, f"{_us()} may not read and write {file}", taking([file]))


def _owned(there: list[Path]) -> Iterator[Finding]:
    strange = [path for path in there if path.stat().st_uid != os.geteuid()]
    if strange:
        yield warning(_CHECK, f"{_listed(strange)} {'is' if len(strange) == 1 else 'are'} not ours", _share(strange))


def _private(settings: Settings, there: list[Path]) -> Iterator[Finding]:
    closed = {path for path in there if path.is_dir() and not _is_open(path)}
    seen = [path for path in there if _is_open(path) and not closed & set(path.absolute().parents)]
    shared = [path for path in directories(settings) if path in seen and path.is_dir() and is_shared(path, settings)]
    ours = [path for path in seen if path not in shared and not _is_strange(path, settings)]
    if ours:
        yield warning(_CHECK, f"others may read {_listed(ours)}", f"chmod go-rwx {join(map(str, ours))}")
    for path in shared:
        if path.stat().st_mode & _WRITTEN_BY_OTHERS:
            yield warning(_CHECK, f"others may write in {path}, beside our files", _MOVE)


def _is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & _BY_OTHERS)


def _is_strange(path: Path, settings: Settings) -> bool:
    """Tell whether the SQLite file is none: the wrong path was given, and whose file that is we do not know."""
    if path != settings.url.path or not path.is_file() or path.stat().st_size == 0 or not os.access(path, os.R_OK):
        return False
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) != _SQLITE


def _share(paths: list[Path]) -> str:
    if os.geteuid() == 0:  # who may look into everything, and is seldom the one who serves
        return f"sudo -u '#{paths[0].stat().st_uid}' proxystore doctor"
    return taking(paths)


def _us() -> str:
    return f"user {os.geteuid()}, who runs this,"


def _listed(paths: list[Path]) -> str:
    return ", ".join(map(str, paths))
