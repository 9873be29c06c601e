"""Secrets that are planted, and looked for in everything that is written.

Every store of a test has `tests.databases.PEPPER`, and every key of ours can be told by its checksum: whatever a test
leaves behind, in files, in logs or on its outputs, has neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from proxystore.credentials import LENGTH, PREFIX, is_well_formed
from tests.databases import PEPPER

_KEY: Final = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{LENGTH - len(PREFIX)}}}".encode())
_TOO_MUCH: Final = 64 * 1024 * 1024


def leaks(data: bytes, planted: Iterable[str] = ()) -> Iterator[str]:
    """Yield what *data* must not have: the pepper, keys, and what else was *planted*."""
    for number, canary in enumerate((PEPPER, *planted)):
        if canary.encode() in data:
            yield f"canary {number}"
    for found in _KEY.finditer(data):
        if is_well_formed(found.group()):
            yield f"a key, {found.group()[:12].decode()}…"


def leaked(folder: Path, planted: Iterable[str] = ()) -> list[str]:
    """Return what the files in *folder* must not have, with the file it is in."""
    canaries = tuple(planted)
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return [
        f"{leak} in {file.relative_to(folder)}"
        for file in files
        if file.stat().st_size < _TOO_MUCH
        for leak in leaks(_content(file), canaries)
    ]


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # gone meanwhile, or made unreadable by the test
        return b""
