"""Fixtures for every test: databases, and coroutines as tests."""

from __future__ import annotations

import asyncio
import inspect
import shutil
import signal
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from proxystore.settings.url import DatabaseURL
from proxystore.testing.postgres import Postgres, server
from tests.databases import DATABASES


def pytest_configure() -> None:
    """Hear Ctrl-C, and let children hear it, even where the shell that started us in the background turned it off."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--database``."""
    parser.addoption("--database", choices=[*DATABASES, "all"], default="all", help="which databases to test with")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks for a database once with each."""
    if "database_kind" in metafunc.fixturenames:
        metafunc.parametrize("database_kind", _chosen(metafunc.config))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about a database that was not chosen, and what is about none where SQLite was not."""
    chosen = _chosen(config)
    left_out = {"sqlite_url", "postgres_url", "postgres"}
    left_out -= {fixture for kind in chosen for fixture in (f"{kind}_url", kind)}
    needed = set() if "sqlite" in chosen else {"database_kind", "postgres"}
    deselected = [item for item in items if not _is_wanted(set(getattr(item, "fixturenames", ())), left_out, needed)]
    if deselected:
        config.hook.pytest_deselected(items=deselected)
        items[:] = [item for item in items if item not in set(deselected)]


def _is_wanted(fixtures: set[str], left_out: set[str], needed: set[str]) -> bool:
    return not (fixtures & left_out) and (not needed or bool(fixtures & needed))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run ``async def test_…`` in an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names if name in pyfuncitem.funcargs}))
    return True


@pytest.fixture(name="postgres", scope="session")
def _postgres() -> Iterator[Postgres]:
    """A PostgreSQL server; without one the test fails, it is not skipped."""
    with server() as postgres:
        yield postgres


@pytest.fixture(name="create_database", scope="session")
def _create_database(postgres: Postgres) -> Iterator[Callable[[str | None], str]]:
    """Make databases on the server, empty or from a template; on one that is not ours all are dropped in the end."""
    run, number, names = uuid4().hex[:8], count(), list[str]()

    def create(template: str | None = None) -> str:
        name = f"proxystore_test_{run}_{next(number)}"
        source = f" TEMPLATE {template.rpartition('/')[2]}" if template else ""
        asyncio.run(_administer(postgres, f"CREATE DATABASE {name}{source}"))
        names.append(name)
        return postgres.database_url(name)

    yield create
    if not postgres.is_own:  # ours goes with its directory, in a moment instead of a minute
        asyncio.run(_administer(postgres, *(f"DROP DATABASE {name} WITH (FORCE)" for name in names)))


@pytest.fixture(name="sqlite_url")
def _sqlite_url(tmp_path: Path) -> str:
    """An empty SQLite database."""
    return f"sqlite:///{tmp_path / 'proxystore.db'}"


@pytest.fixture(name="postgres_url")
def _postgres_url(create_database: Callable[[], str]) -> str:
    """An empty PostgreSQL database."""
    return create_database()


@pytest.fixture(name="database_url")
def _database_url(database_kind: str, request: pytest.FixtureRequest) -> str:
    """An empty database of each kind."""
    return str(request.getfixturevalue(f"{database_kind}_url"))


@pytest.fixture(name="sqlite_template", scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "proxystore.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(name="postgres_template", scope="session")
def _postgres_template(create_database: Callable[[], str]) -> str:
    """A migrated PostgreSQL database to clone."""
    url = create_database()
    _migrate(url)
    return url


@pytest.fixture(name="migrated_url")
def _migrated_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A migrated database of each kind, of the test's own."""
    template = request.getfixturevalue(f"{database_kind}_template")
    if database_kind == "postgres":
        return str(request.getfixturevalue("create_database")(template))
    for file in template.parent.iterdir():
        shutil.copy(file, tmp_path / file.name)
    return f"sqlite:///{tmp_path / template.name}"


def _chosen(config: pytest.Config) -> tuple[str, ...]:
    choice = config.getoption("--database")
    return DATABASES if choice == "all" else (choice,)


def _migrate(url: str) -> None:
    from proxystore.migrating import upgrade  # takes its time: only for who needs it

    asyncio.run(upgrade(DatabaseURL.parse(url), schema="proxystore"))


async def _administer(postgres: Postgres, *statements: str) -> None:
    connection: Any = await asyncpg.connect(postgres.url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
