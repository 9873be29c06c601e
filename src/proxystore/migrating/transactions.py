"""One transaction for a whole command, in a thread, with this process's and every other migration kept out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Lock
from typing import Final, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from proxystore.database.reasons import explained
from proxystore.database.translating import translate
from proxystore.errors import StoreBusy, StoreError
from proxystore.migrating import postgres, sqlite
from proxystore.settings.url import DatabaseURL

R = TypeVar("R")

_ALONE: Final = Lock()  # Alembic keeps the migration under way in module globals: one at a time in a process.


async def write(url: DatabaseURL, schema: str, work: Callable[[Connection], R], *, timeout: float) -> R:
    """Run *work* while nobody else migrates; either all of it happens or nothing, however the process ends.

    Raises:
        StoreBusy: Somebody else was writing for *timeout* seconds.
        StoreError: The database cannot be reached, or refused.
    """
    if url.dialect == "sqlite":
        return await _in_thread(lambda: sqlite.write(url, work, timeout=timeout), url, timeout)
    return await _in_thread(lambda: postgres.write(url, schema, work, timeout=timeout), url, timeout)


async def read(url: DatabaseURL, schema: str, work: Callable[[Connection], R], *, timeout: float) -> R:
    """Run *work*, which only looks; what is not there reads as empty and is not made.

    Raises:
        StoreBusy: Somebody else held the tables for *timeout* seconds.
        StoreError: The database cannot be reached, or refused.
    """
    if url.dialect == "sqlite":
        return await _in_thread(lambda: sqlite.read(url, work, timeout=timeout), url, timeout)
    return await _in_thread(lambda: postgres.read(url, schema, work, timeout=timeout), url, timeout)


def unwrapped(error: BaseException) -> BaseException:
    """Return the error of ours for *error*, which SQLAlchemy may have wrapped with a statement and its values."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig.__cause__ or error.orig  # asyncpg's is wrapped twice
    return translate(error)


async def _in_thread(work: Callable[[], R], url: DatabaseURL, timeout: float) -> R:
    return await asyncio.to_thread(_alone, work, url, timeout)


def _alone(work: Callable[[], R], url: DatabaseURL, timeout: float) -> R:
    if not _ALONE.acquire(timeout=timeout):
        raise StoreBusy(_busy(url))
    try:
        return work()
    except Exception as error:
        ours = unwrapped(error)
        if isinstance(ours, StoreBusy):
            raise StoreBusy(_busy(url)) from ours.__cause__
        if isinstance(ours, StoreError) and (why := explained(url, ours)) is not None:
            raise why from ours
        if ours is error:
            raise
        raise ours from ours.__cause__
    finally:
        _ALONE.release()


def _busy(url: DatabaseURL) -> str:
    return f"another process is migrating {url.masked}, or holds it for too long: nothing was changed; try again later"
