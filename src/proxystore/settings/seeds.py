"""The names that older proxies gave their settings; read after ours, so that nobody has to rename anything to begin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote

from proxystore.errors import SettingsError
from proxystore.settings.kinds import seconds
from proxystore.settings.names import listed, variable
from proxystore.settings.url import DatabaseURL

_BY_DRIVER: Final = "DB_DRIVER + DATABASE_PATH"

SEED_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "database_url": ("DB_PRIMARY", "DATABASE_URL", _BY_DRIVER),
    "replicas": ("DB_REPLICAS",),
    "database_schema": ("DB_SCHEMA",),
    "pool.max_size": ("DB_POOL_MAX_CONNS", "DB_MAX_OPEN_CONNS", "DATABASE_POOL_SIZE"),
    "pool.min_size": ("DB_POOL_MIN_CONNS", "DB_MAX_IDLE_CONNS", "DATABASE_MAX_IDLE_CONNS"),
    "pool.max_lifetime": ("DB_POOL_MAX_CONN_LIFETIME", "DB_CONN_MAX_LIFETIME", "DATABASE_CONN_MAX_LIFETIME"),
    "pool.max_idle_time": ("DB_POOL_MAX_CONN_IDLE_TIME", "DB_CONN_MAX_IDLE_TIME"),
    "pool.health_check": ("DB_POOL_HEALTH_CHECK",),
    "cache_api_key_size": ("CACHE_API_KEY_SIZE",),
    "cache_api_key_ttl": ("CACHE_API_KEY_TTL",),
    "cache_model_size": ("CACHE_MODEL_SIZE",),
    "cache_model_ttl": ("CACHE_MODEL_TTL",),
}
"""For each setting the older names of it, the first before the others."""

_DRIVERS: Final = {"sqlite": "sqlite", "sqlite3": "sqlite", "postgres": "postgresql", "postgresql": "postgresql"}


def find_seed(setting: str, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the text and the name of the first seed name that is set, or ``None``.

    Raises:
        SettingsError: Two names of one setting disagree.
    """
    found = list(_database_urls(environ) if setting == "database_url" else _plain(setting, environ))
    for text, name in found[1:]:
        if _meaning(setting, text) != _meaning(setting, found[0][0]):
            raise _disagreement(setting, found[0][1], name)
    return found[0] if found else None


def _plain(setting: str, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in SEED_NAMES.get(setting, ()):
        if text := environ.get(name, "").strip():
            yield text, name


def _database_urls(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    urls, driver = list(_plain("database_url", environ)), _driver(environ)
    for text, name in urls:
        if driver and _dialect(text) not in (driver, None):
            raise _disagreement("database_url", "DB_DRIVER", name)
    yield from urls
    path = environ.get("DATABASE_PATH", "").strip()
    if path and driver != "postgresql":
        yield f"sqlite:///{quote(path)}", _BY_DRIVER if driver else "DATABASE_PATH"
    if driver == "postgresql" and not urls:
        raise SettingsError("DB_DRIVER asks for PostgreSQL: set DATABASE_URL, or PROXYSTORE_DATABASE_URL")


def _driver(environ: Mapping[str, str]) -> str | None:
    driver = environ.get("DB_DRIVER", "").strip().lower()
    if driver and driver not in _DRIVERS:
        raise SettingsError(f"DB_DRIVER may be {listed(_DRIVERS)}; PROXYSTORE_DATABASE_URL wins over it")
    return _DRIVERS.get(driver)


def _meaning(setting: str, text: str) -> object:
    """Return what *text* comes to, so that ``300`` and ``5m`` agree; a wrong one is told when it is read."""
    try:
        return DatabaseURL.parse(text) if setting == "database_url" else seconds(text)
    except (ValueError, SettingsError):
        return text


def _dialect(text: str) -> str | None:
    meaning = _meaning("database_url", text)
    return meaning.dialect if isinstance(meaning, DatabaseURL) else None


def _disagreement(setting: str, one: str, other: str) -> SettingsError:
    return SettingsError(f"{one} and {other} disagree: unset one, or set {variable(setting)}, which wins over both")
