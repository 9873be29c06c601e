"""A copy of a database: SQLite makes it while everybody goes on; PostgreSQL has a program for it."""

from __future__ import annotations

import os
import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from proxystore.errors import SettingsError, StoreUnavailable
from proxystore.settings.url import DatabaseURL

_PAGES: Final = 1_000


def backup(url: DatabaseURL, path: Path, progress: Callable[[int], None] = lambda _: None) -> None:
    """Copy the SQLite database at *url* to a new file, as it is at this moment; readers and writers go on.

    Args:
        url: A file.
        path: A file that is not there yet; nobody else may read it.
        progress: Told after every few pages how many were copied.

    Raises:
        SettingsError: The database is in memory or no SQLite, or *path* is taken.
        StoreUnavailable: It cannot be read, or the copy not be written.
    """
    if url.path is None:
        raise SettingsError("a database in memory belongs to its process: there is no file to copy")
    unfinished = path.with_name(f"{path.name}.unfinished")
    if path.exists() or unfinished.exists():
        raise SettingsError(f"{path if path.exists() else unfinished} is there already: nothing was copied")
    try:
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        _copy(url.path, unfinished, progress)
        unfinished.rename(path)
    except (OSError, sqlite3.Error) as error:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise StoreUnavailable(f"{url.masked} could not be copied to {path}: {error}") from error


def pg_dump(url: DatabaseURL, schema: str, path: Path) -> str:
    """Return the command that copies our *schema* of the PostgreSQL database at *url*; it asks for the password."""
    words = ["pg_dump", "--format=custom", f"--schema={schema}", f"--file={path}", f"--host={url.host}"]
    words += [f"--port={url.port}"] if url.port else []
    words += [f"--username={url.user}"] if url.user else []
    return shlex.join([*words, url.database or "postgres"])


def _copy(source: Path, target: Path, progress: Callable[[int], None]) -> None:
    left = 0

    def tell(_status: int, remaining: int, total: int) -> None:
        nonlocal left
        progress((left or total) - remaining)
        left = remaining

    address = f"{source.absolute().as_uri()}?mode=ro"
    with (
        closing(sqlite3.connect(address, uri=True, isolation_level=None)) as raw,
        closing(sqlite3.connect(target)) as copy,
    ):
        raw.execute("BEGIN")  # one moment for all pages, whoever writes meanwhile
        raw.execute("SELECT count(*) FROM sqlite_master").fetchone()
        raw.backup(copy, pages=_PAGES, progress=tell, sleep=0)
