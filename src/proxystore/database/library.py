"""``databases`` as we use it: its backends and pools, and nothing of its queries and transactions."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import databases
from databases.interfaces import DatabaseBackend

from proxystore.database.deadline import Errands
from proxystore.database.postgres import Kept, PostgresSession
from proxystore.database.session import Session
from proxystore.database.sqlite import SQLiteBackend, SQLiteSession
from proxystore.database.sqlite_pool import Source, Sync
from proxystore.database.waits import Waits
from proxystore.settings.pool import PoolSettings
from proxystore.settings.url import DatabaseURL

_APPLICATION_NAME: Final = "proxystore"
_SHARE: Final = 0.8  # of the deadline, for what has a limit of its own and then can say what it waited for


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a database is opened with."""

    url: DatabaseURL
    pool: PoolSettings
    deadline: float
    sync: Sync
    errands: Errands


class Library(databases.Database):
    """A `databases.Database` with our SQLite in place of its own."""

    SUPPORTED_BACKENDS = {  # noqa: RUF012 - the library's
        "postgresql": "databases.backends.postgres:PostgresBackend",
        "sqlite": "proxystore.database.sqlite:SQLiteBackend",
    }
    _backend: DatabaseBackend

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.waits = Waits(plan.pool.max_size)
        # All it is told by URL is the dialect: it logs URLs, and drops the options that it does not know.
        options = _sqlite(plan, self.waits) if plan.url.dialect == "sqlite" else _postgresql(plan)
        super().__init__(f"{plan.url.dialect}://", **options)

    @property
    def pool(self) -> Any:
        """The pool, once connected: ours or asyncpg's, alike in ``get_size()`` and ``get_idle_size()``."""
        backend = self._backend
        return backend.pool if isinstance(backend, SQLiteBackend) else getattr(backend, "_pool", None)

    def session(self) -> Session:
        """Return a connection yet to be acquired, tied to no task."""
        backend = self._backend
        if isinstance(backend, SQLiteBackend):
            return SQLiteSession(backend.connection(), backend.turn, backend.commit_ended, self._plan.deadline * _SHARE)
        return PostgresSession(backend.connection, self._plan.pool, self.waits)

    async def expire(self) -> None:
        """Have every connection replaced before it is used again."""
        if not isinstance(self._backend, SQLiteBackend):
            await self.pool.expire_connections()


def _sqlite(plan: Plan, waits: Waits) -> Mapping[str, Any]:
    path = None if plan.url.path is None else plan.url.path.absolute()
    source = Source(
        address=f"file:/{plan.url.name}?vfs=memdb" if path is None else path.as_uri(),
        sync=plan.sync,
        busy_timeout=plan.deadline * _SHARE,
    )
    return {"path": path, "source": source, "settings": plan.pool, "errands": plan.errands, "waits": waits}


def _postgresql(plan: Plan) -> Mapping[str, Any]:
    return {
        **server_address(plan.url),
        "timeout": plan.deadline * _SHARE,
        "command_timeout": plan.deadline,
        "min_size": plan.pool.min_size,
        "max_size": plan.pool.max_size,
        "max_inactive_connection_lifetime": plan.pool.max_idle_time,
        "connection_class": Kept,
    }


def server_address(url: DatabaseURL) -> Mapping[str, Any]:
    """Return what asyncpg has to be told to reach *url*; migrations go the same way."""
    return {
        "host": url.host,
        "port": url.port,
        "user": url.user,
        "password": url.password,
        "database": url.database,
        "ssl": _ssl(url),
        "server_settings": {"application_name": url.application_name or _APPLICATION_NAME},
    }


def _ssl(url: DatabaseURL) -> ssl.SSLContext | str | None:
    if url.ssl not in {"verify-ca", "verify-full"}:
        return url.ssl
    certificates = None if url.sslrootcert is None or str(url.sslrootcert) == "system" else url.sslrootcert
    context = ssl.create_default_context(cafile=certificates)
    context.check_hostname = url.ssl == "verify-full"
    return context
