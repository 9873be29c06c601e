"""Why a database cannot be used, in words, and the command that mends it.

Drivers tell of most things in their own way, and of some not at all: SQLite has "unable to open database file" for
whatever is wrong with a path. What is found here names no password.
"""

from __future__ import annotations

import errno
import socket
import sqlite3
import ssl
from collections.abc import Iterator
from pathlib import Path
from shlex import join, quote
from typing import Final, NamedTuple

import asyncpg

from proxystore.directories import existing, may_write, taking
from proxystore.errors import StoreUnavailable
from proxystore.settings.url import DatabaseURL

_OTHER_FILE: Final = "name another file in PROXYSTORE_DATABASE_URL"
_NO_ROOM: Final = {"SQLITE_FULL"}
_NO_TLS: Final = "rejected SSL upgrade"


class Reason(NamedTuple):
    """Attributes: what is wrong, said after the database's URL; what to do about it."""

    what: str
    mend: str


def reason(url: DatabaseURL, error: BaseException) -> Reason | None:
    """Return why *url* gave *error*, ours or a driver's; ``None`` if nobody can tell more than it does."""
    find = _file if url.dialect == "sqlite" else _server
    return next((found for each in _chain(error) if (found := find(url, each)) is not None), None)


def explained(url: DatabaseURL, error: BaseException) -> StoreUnavailable | None:
    """Return an error that tells why *url* gave *error*, and the command that mends it; ``None`` as for `reason`."""
    found = reason(url, error)
    return None if found is None else StoreUnavailable(f"{url.masked} cannot be used: {found.what}; {found.mend}")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _server(url: DatabaseURL, error: BaseException) -> Reason | None:
    if isinstance(error, asyncpg.PostgresError):
        return _answer(url, error.sqlstate or "", str(error.args[0]) if error.args else "")
    if isinstance(error, socket.gaierror):
        return Reason(f"no host is called {url.host}", "correct the host in PROXYSTORE_DATABASE_URL")
    if isinstance(error, ssl.SSLError):
        mend = "correct sslmode and sslrootcert in PROXYSTORE_DATABASE_URL"
        return Reason(f"no encrypted connection could be made ({error.reason or error})", mend)
    if _NO_TLS in str(error):
        mend = "turn it on there (ssl = on), or say ?sslmode=prefer in PROXYSTORE_DATABASE_URL"
        return Reason("the server does not encrypt connections", mend)
    if isinstance(error, OSError) and not isinstance(error, TimeoutError) and "Connect call failed" in str(error):
        ready = join(["pg_isready", "-h", str(url.host), "-p", str(url.port)])
        mend = f"start the server, or correct the address in PROXYSTORE_DATABASE_URL; `{ready}` tells when it is there"
        return Reason(f"no server answers there ({error})", mend)
    return None


def _answer(url: DatabaseURL, code: str, message: str) -> Reason | None:
    user, name = url.user or "", url.database or url.user or ""
    shown = repr(user) if user else "of the system"
    if code == "3D000":
        return Reason(f"the server has no database {name!r}", f"`{_command('createdb', url)} {quote(name)}` makes it")
    if code == "28P01":
        has = "is wrong" if url.password else "is not in the URL"
        mend = f"correct it in PROXYSTORE_DATABASE_URL; `{_psql(url)}` asks for it, to try"
        return Reason(f"the password of the user {shown} {has}", mend)
    if code.startswith("28"):
        mend = f"have the server's administrator let the user {shown} in: CREATE ROLE … LOGIN, or pg_hba.conf"
        return Reason(f"the server does not let us in ({message})", mend)
    if code == "42501":
        grant = f'GRANT CONNECT, CREATE ON DATABASE "{name}" TO "{user}"'
        return Reason(f"the user {shown} lacks a right ({message})", f"have the owner of the database run `{grant}`")
    if code == "53300":
        mend = "lower PROXYSTORE_POOL__MAX_SIZE of all processes together, or raise max_connections there"
        return Reason("the server has no connection left", mend)
    return None


def _command(program: str, url: DatabaseURL) -> str:
    user = ["-U", url.user] if url.user else []
    return join([program, "-h", str(url.host), "-p", str(url.port), *user])


def _psql(url: DatabaseURL) -> str:
    return f"{_command('psql', url)} {quote(url.database)}" if url.database else _command("psql", url)


def _file(url: DatabaseURL, error: BaseException) -> Reason | None:
    if url.path is None or not isinstance(error, (sqlite3.Error, OSError)):
        return None
    code = getattr(error, "sqlite_errorname", "") or ""
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return None
    if code.startswith("SQLITE_NOTADB"):
        away = f"mv {quote(str(url.path))} {quote(f'{url.path}.other')}"
        return Reason("the file is no SQLite database", f"{_OTHER_FILE}, or put it away: `{away}`")
    if code.startswith("SQLITE_CORRUPT"):
        return Reason("the file is damaged", "put a backup, made by `proxystore db backup`, in its place")
    if code in _NO_ROOM or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)):
        return Reason("the disk is full", f"make room; see df -h {quote(str(url.path.parent))}")
    return _path(url.path)


def _path(path: Path) -> Reason | None:
    place = existing(path.parent)
    if path.is_dir():
        return Reason("that is a directory", f"name a file in it: sqlite:///{path / 'proxystore.db'}")
    if not place.is_dir():
        return Reason(f"{place} is not a directory", f"{_OTHER_FILE}, or put it away: `mv {quote(str(place))} …`")
    closed = [each for each in (place, path) if each.exists() and not may_write(each)]
    if closed:
        return Reason(f"{closed[0]} may not be written", taking(closed))
    return None
