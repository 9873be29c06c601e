"""Fixtures for every test: the kit's under short names, and coroutines as tests."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import signal
from collections.abc import Callable, Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Final

import certifi
import pytest
from pydantic import SecretStr

from proxystore import Settings
from proxystore.hooks import finding
from proxystore.testing.databases import Databases
from proxystore.testing.postgres import Postgres
from proxystore.testing.pytest_plugin import chosen
from tests import born
from tests.canaries import leaked, leaks
from tests.databases import DATABASES, PEPPER

_ABOUT_A_DATABASE: Final = {"database_kind", "postgres", "proxystore_database_kind", "proxystore_postgres"}


def pytest_configure(config: pytest.Config) -> None:
    """Give every store its secrets, without which none opens on PostgreSQL; hear Ctrl-C, and let children hear it.

    A shell that started us in the background may have turned Ctrl-C off.
    """
    for name in ("pepper", "audit_key"):
        os.environ[f"PROXYSTORE_{name.upper()}"] = PEPPER
        Settings.model_fields[name].default = SecretStr(PEPPER)  # for settings that are made from arguments alone
    Settings.model_rebuild(force=True)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.option.proxystore_database = config.option.database or config.option.proxystore_database


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--database``, which is ``--proxystore-database`` in short."""
    parser.addoption("--database", choices=[*DATABASES, "all"], help="which databases to test with (default: all)")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks for a database once with each."""
    if "database_kind" in metafunc.fixturenames:
        metafunc.parametrize("database_kind", chosen(metafunc.config))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about a database that was not chosen, and what is about none where SQLite was not."""
    kinds = chosen(config)
    left_out = {"sqlite_url", "postgres_url", "postgres"}
    left_out -= {fixture for kind in kinds for fixture in (f"{kind}_url", kind)}
    needed = set() if "sqlite" in kinds else _ABOUT_A_DATABASE
    deselected = [item for item in items if not _is_wanted(set(getattr(item, "fixturenames", ())), left_out, needed)]
    if deselected:
        config.hook.pytest_deselected(items=deselected)
        items[:] = [item for item in items if item not in set(deselected)]


def _is_wanted(fixtures: set[str], left_out: set[str], needed: set[str]) -> bool:
    return not (fixtures & left_out) and (not needed or bool(fixtures & needed))


def pytest_collection_finish() -> None:
    """Let the garbage collector look through what tests leave, and not through five thousand tests each time."""
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run ``async def test_…`` in an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names if name in pyfuncitem.funcargs}))
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Search whatever a test has left in its folder for secrets."""
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    yield
    if isinstance(folder, Path):
        assert not leaked(folder)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Search what a test has logged and printed, too."""
    report = yield
    found = [leak for _, text in report.sections for leak in leaks(text.encode(errors="replace"))]
    if found and report.passed:
        report.outcome, report.longrepr = "failed", f"told: {', '.join(sorted(set(found)))}"
    return report


@pytest.fixture(autouse=True, scope="session")
def _one_certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let HTTP clients read one certificate and not all there are, here and in children: 20 ms for each client made.

    Nobody speaks TLS to the world.
    """
    begin, middle, _ = Path(certifi.where()).read_text(encoding="ascii").partition("-----END CERTIFICATE-----\n")
    certificate = tmp_path_factory.mktemp("certificate") / "one.pem"
    certificate.write_text(begin[begin.index("-----BEGIN") :] + middle, encoding="ascii")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(certificate))
        yield


@pytest.fixture(autouse=True, scope="session")
def _born() -> Iterator[None]:
    """Leave nobody behind who bears processes."""
    yield
    born.close()


@pytest.fixture(autouse=True, scope="session")
def _installed_once() -> Iterator[None]:
    """Look for installed plugins once: it takes 6 ms, which a process that serves takes once, too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finding, "entry_points", cache(finding.entry_points))
        yield


@pytest.fixture(name="postgres", scope="session")
def _postgres(proxystore_postgres: Postgres) -> Postgres:
    """A PostgreSQL server; without one the test fails, it is not skipped."""
    return proxystore_postgres


@pytest.fixture(name="create_database", scope="session")
def _create_database(proxystore_databases: Databases) -> Callable[[str | None], str]:
    """Makes databases on that server, empty or from a template."""
    return proxystore_databases.create


@pytest.fixture(name="sqlite_url")
def _sqlite_url(tmp_path: Path) -> str:
    """An empty SQLite database."""
    return f"sqlite:///{tmp_path / 'proxystore.db'}"


@pytest.fixture(name="postgres_url")
def _postgres_url(proxystore_databases: Databases) -> str:
    """An empty PostgreSQL database."""
    return proxystore_databases.create()


@pytest.fixture(name="database_url")
def _database_url(database_kind: str, request: pytest.FixtureRequest) -> str:
    """An empty database of each kind."""
    return str(request.getfixturevalue(f"{database_kind}_url"))


@pytest.fixture(name="sqlite_template", scope="session")
def _sqlite_template(proxystore_databases: Databases) -> Path:
    """A migrated SQLite file to copy."""
    return proxystore_databases.sqlite_template


@pytest.fixture(name="postgres_template", scope="session")
def _postgres_template(proxystore_databases: Databases) -> str:
    """A migrated PostgreSQL database to clone."""
    return proxystore_databases.postgres_template


@pytest.fixture(name="migrated_url")
def _migrated_url(database_kind: str, proxystore_databases: Databases, tmp_path: Path) -> str:
    """A migrated database of each kind, of the test's own."""
    return proxystore_databases.migrated(database_kind, tmp_path)
