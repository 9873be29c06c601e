"""What ``pytest`` finds once proxystore is installed: fixtures for those who write plugins, and for our own tests.

Loaded by every run of pytest in such an environment: it imports nothing of ours before a test asks for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from proxystore.settings import Settings
    from proxystore.testing.clock import FakeClock
    from proxystore.testing.databases import Databases
    from proxystore.testing.postgres import Postgres
    from proxystore.testing.upstream import FakeUpstream
    from proxystore.testing.wrapped import Wrapped

_KINDS: Final = ("sqlite", "postgres")
_OPTION: Final = "proxystore_database"
_SECRETS: Final = ("pepper", "audit_key")
_WORTHLESS: Final = "a pepper that is for tests and for nothing else"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--proxystore-database``, and the ini option of the same name."""
    group = parser.getgroup("proxystore")
    choices = [*_KINDS, "all"]
    group.addoption("--proxystore-database", choices=choices, help="which databases to test with")
    parser.addini(_OPTION, "which databases to test with unless told: sqlite, postgres or all", default="sqlite")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks for a database once with each."""
    if "proxystore_database_kind" in metafunc.fixturenames:
        metafunc.parametrize("proxystore_database_kind", chosen(metafunc.config))


def chosen(config: pytest.Config) -> tuple[str, ...]:
    """Return the kinds of database that this run is about."""
    choice = str(config.getoption(_OPTION) or config.getini(_OPTION))
    return _KINDS if choice == "all" else (choice,)


@pytest.fixture(scope="session")
def proxystore_databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """Makes databases, migrated ones by copying; dropped when the tests are over."""
    from proxystore.testing.databases import Databases

    with Databases(tmp_path_factory.mktemp("template")) as databases:
        yield databases


@pytest.fixture(scope="session")
def proxystore_postgres(proxystore_databases: Databases) -> Postgres:
    """A PostgreSQL server; without one the test fails, it is not skipped."""
    return proxystore_databases.postgres


@pytest.fixture
def proxystore_url(
    proxystore_database_kind: str, proxystore_databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The URL of a migrated database of the test's own; a test that asks for it runs once with each kind chosen."""
    for name in _SECRETS:  # without which none opens on PostgreSQL
        monkeypatch.setenv(_variable(name), os.environ.get(_variable(name), _WORTHLESS))
    return proxystore_databases.migrated(proxystore_database_kind, tmp_path)


@pytest.fixture
def proxystore_settings(proxystore_url: str, tmp_path: Path) -> Settings:
    """Settings of a store of the test's own, with its files in ``tmp_path``; no installed plugins."""
    from pydantic import SecretStr

    from proxystore.settings import Settings

    pepper, audit_key = (SecretStr(os.environ[_variable(name)]) for name in _SECRETS)
    return Settings(
        database_url=proxystore_url, data_dir=tmp_path / "data", plugins=(), pepper=pepper, audit_key=audit_key
    )


@pytest.fixture
def proxystore_upstream() -> FakeUpstream:
    """A fake upstream: an ASGI application that speaks the wire formats."""
    from proxystore.testing.upstream import FakeUpstream

    return FakeUpstream()


@pytest.fixture
def proxystore_clock() -> FakeClock:
    """A clock that stands still until the test moves it."""
    from proxystore.testing.clock import FakeClock

    return FakeClock()


@pytest.fixture
def proxystore_wrap(
    proxystore_settings: Settings, proxystore_upstream: FakeUpstream
) -> Callable[..., AbstractAsyncContextManager[Wrapped]]:
    """Wrap an application with plugins, on a store of the test's own.

    ``async with proxystore_wrap(Plugin, …) as wrapped:`` opens it; ``app=`` takes the place of the fake upstream, any
    other keyword is a setting. See `proxystore.testing.wrapped.Wrapped`.
    """
    from proxystore.testing.wrapped import wrap

    def wrap_upstream(*plugins: object, app: Any = None, **settings: Any) -> AbstractAsyncContextManager[Wrapped]:
        changed = proxystore_settings.model_copy(update=settings)
        return wrap(proxystore_upstream if app is None else app, plugins, changed)

    return wrap_upstream


def _variable(name: str) -> str:
    return f"PROXYSTORE_{name.upper()}"
