"""``databases`` as we use it: its URLs, backends and pools, and nothing of its queries and transactions."""

from __future__ import annotations

import logging
import ssl
from typing import Any, Final, Literal

import databases

from proxystore.database.deadline import Errands
from proxystore.database.session import Session
from proxystore.settings.pool import PoolSettings
from proxystore.settings.url import DatabaseURL

_APPLICATION_NAME: Final = "proxystore"
_CONNECT_SHARE: Final = 0.6  # of the deadline: so that a server that is down is told from a call that is slow

logging.getLogger("databases").setLevel(logging.INFO)  # its DEBUG lines print every argument


class Library(databases.Database):  # type: ignore[misc]
    """A `databases.Database` with backends of ours."""

    SUPPORTED_BACKENDS = {
        "postgresql": "proxystore.database.postgres:PostgresBackend",
        "sqlite": "proxystore.database.sqlite:SQLiteBackend",
    }

    def session(self) -> Session:
        """Return a connection yet to be acquired, bound to no task."""
        return self._backend.connection()  # type: ignore[no-any-return]

    @property
    def pool(self) -> Any:
        """The pool of whichever backend it is."""
        return self._backend.pool


def library(url: DatabaseURL, pool: PoolSettings, *, deadline: float, is_durable: bool, errands: Errands) -> Library:
    """Return the library's database for *url*, not connected yet."""
    if url.dialect == "sqlite":
        return _sqlite(url, pool, deadline, is_durable, errands)
    return _postgresql(url, pool, deadline)


def _sqlite(url: DatabaseURL, pool: PoolSettings, deadline: float, is_durable: bool, errands: Errands) -> Library:
    path = None if url.path is None else url.path.absolute()
    return Library(
        "sqlite://",
        target=f"file:/{url.name}?vfs=memdb" if path is None else path.as_uri(),
        path=path,
        pool=pool,
        synchronous="full" if is_durable else "normal",
        busy_timeout=deadline * _CONNECT_SHARE,
        errands=errands,
    )


def _postgresql(url: DatabaseURL, pool: PoolSettings, deadline: float) -> Library:
    return Library(
        "postgresql://",  # the rest goes beside it: the library logs its URL, and drops the options it does not know
        host=url.host,
        port=url.port,
        user=url.user,
        password=url.password,
        database=url.database,
        ssl=_ssl(url),
        timeout=deadline * _CONNECT_SHARE,
        command_timeout=deadline,
        min_size=pool.min_size,
        max_size=pool.max_size,
        max_lifetime=pool.max_lifetime,
        max_inactive_connection_lifetime=pool.max_idle_time,
        server_settings={"application_name": url.application_name or _APPLICATION_NAME},
    )


def _ssl(url: DatabaseURL) -> ssl.SSLContext | Literal["disable", "allow", "prefer", "require"] | None:
    if url.ssl not in ("verify-ca", "verify-full"):
        return url.ssl
    certificates = None if url.sslrootcert is None or str(url.sslrootcert) == "system" else url.sslrootcert
    context = ssl.create_default_context(cafile=certificates)
    context.check_hostname = url.ssl == "verify-full"
    return context
