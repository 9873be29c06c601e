"""Directories of a cache: ours alone, or not used; what is broken is moved aside."""

from __future__ import annotations

import os
import shutil
import stat
import time
from contextlib import suppress
from pathlib import Path
from secrets import randbits, token_hex
from typing import Final

from proxystore.directories import make_private_directory

_BROKEN: Final = ".broken-"
_CHANGED: Final = "changed"
_FORGOTTEN: Final = "forgotten"
_PRIVATE: Final = 0o700


class Foreign(OSError):
    """A directory or file that is not ours alone."""


def make(directory: Path, databases: tuple[str, ...]) -> None:
    """Make *directory*, and in each folder of it that *databases* name an empty database that nobody else can read.

    Raises:
        Foreign: Something there belongs to somebody else, or is open to others.
        OSError: It cannot be made.
    """
    for each in (directory, *(directory / name for name in databases)):
        _make_directory(each)
    for name in databases:
        _make_file(directory / name / "cache.db")
    _make_file(directory / _CHANGED)
    if _make_file(directory / _FORGOTTEN):
        os.utime(directory / _FORGOTTEN, (0, 0))


def make_root(root: Path) -> None:
    """Make the directory that caches lie in.

    Raises:
        Foreign: It belongs to somebody else, or is open to others.
        OSError: It cannot be made.
    """
    make_private_directory(root.parent)
    _make_directory(root)


def identity(root: Path) -> str:
    """Return the name that was given to *root* when it was first asked for; another one each time if it has none."""
    mine = token_hex(8)
    file = root / "identity"
    try:
        make_root(root)
        with suppress(FileExistsError), file.open("x") as new:
            new.write(mine)
        return file.read_text() or mine
    except OSError:
        return mine


class Token:
    """What changes whenever something in a cache directory is replaced or taken out, whoever does it.

    Args:
        directory: The cache directory; :func:`make` has made it.

    Raises:
        OSError: It is gone.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / _CHANGED
        self._file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)

    def read(self) -> int:
        """Return its value, -1 once the directory has been deleted; cheap enough for each hit."""
        found = os.fstat(self._file)
        return found.st_mtime_ns if found.st_nlink else -1

    def change(self) -> None:
        """Let every process know that what it remembers may be wrong."""
        number = randbits(30) * 10**9 + randbits(29)
        os.utime(self._file, ns=(number, number))

    def is_in_place(self) -> bool:
        """Return whether the directory is the one that was opened: neither deleted nor moved."""
        try:
            return os.path.samestat(self._path.lstat(), os.fstat(self._file))
        except OSError:
            return False

    def close(self) -> None:
        """Let go of it."""
        os.close(self._file)


class Mark:
    """When something in a cache directory was last forgotten on purpose, whoever did it.

    Args:
        directory: The cache directory; :func:`make` has made it.

    Raises:
        OSError: It is gone.
    """

    def __init__(self, directory: Path) -> None:
        self._file = os.open(directory / _FORGOTTEN, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)

    def read(self) -> int:
        """Return when, in nanoseconds since 1970, UTC; 0 is never."""
        return os.fstat(self._file).st_mtime_ns

    def set(self) -> None:
        """Say that it is now."""
        now = time.time_ns()
        os.utime(self._file, ns=(now, now))

    def close(self) -> None:
        """Let go of it."""
        os.close(self._file)


def move_aside(directory: Path) -> None:
    """Rename *directory*, if it is there; of those before it none is kept."""
    for older in directory.parent.glob(f"{directory.name}{_BROKEN}*"):
        shutil.rmtree(older, ignore_errors=True)
    with suppress(FileNotFoundError):
        aside = directory.rename(directory.with_name(f"{directory.name}{_BROKEN}{time.time_ns()}"))
        with suppress(OSError):  # whoever has it open learns of it by that
            token = Token(aside)
            token.change()
            token.close()


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(mode=_PRIVATE)
    except FileExistsError:
        found = directory.lstat()
        _refuse_foreign(directory, found, stat.S_ISDIR(found.st_mode))
        if stat.S_IMODE(found.st_mode) != _PRIVATE:
            directory.chmod(_PRIVATE)


def _make_file(file: Path) -> bool:
    """Make an empty file, unless there is one that is ours alone; return whether it was made."""
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        found = file.lstat()
        _refuse_foreign(file, found, stat.S_ISREG(found.st_mode))
        return False
    return True


def _refuse_foreign(path: Path, found: os.stat_result, is_right_kind: bool) -> None:  # noqa: FBT001
    if not is_right_kind or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise Foreign(f"{path} must be a plain {'file' if path.suffix else 'directory'} that only you can write to")
